// Every command's answer against the answers of a real Celery worker (tests/golden/pidbox).
#include "worker/control_commands.hpp"

#include "wire/serializer.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <set>
#include <sstream>

namespace lovage::work {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class fake_pool final : public pool::pool {
 public:
  [[nodiscard]] char const* name() const noexcept override { return "prefork"; }
  expected<void> start(lovage::pool::options) override { return {}; }
  void submit(std::vector<lovage::pool::job>&&) override {}
  std::vector<std::uint64_t> withdraw() override { return {}; }
  void request_stop(std::uint64_t) override {}
  bool stop(deadline) override { return true; }
  void kill() override {}
  [[nodiscard]] std::vector<int> pids() const override { return {7650}; }
  [[nodiscard]] bool enforces_hard_limits() const noexcept override { return true; }
  [[nodiscard]] std::size_t concurrency() const override { return size; }
  expected<void> resize(std::size_t to) override { return size = to, expected<void>{}; }
  expected<void> restart() override { return ++restarts, expected<void>{}; }
  expected<void> terminate(std::uint64_t job, int signal) override {
    if (!runs.contains(job)) return fail(errc::invalid_argument, "this task does not run");
    ended.emplace_back(job, signal);
    return {};
  }
  [[nodiscard]] std::vector<lovage::pool::slot> slots() const override { return {{7650, 1, 1, {}}}; }

  std::size_t size = 1;
  std::set<std::uint64_t> runs{1};
  int restarts = 0;
  std::vector<std::pair<std::uint64_t, int>> ended;
};

value json_file(std::string const& name) {
  std::ifstream in{std::string{LOVAGE_SOURCE_DIR} + "/tests/golden/pidbox/" + name};
  std::stringstream text;
  text << in.rdbuf();
  return wire::from_json(text.str(), true).value();
}

std::string show(value const& v) { return wire::to_json(v).value(); }

/// Same keys in every map, same kind of value at every place.
void expect_same_shape(value const& theirs, value const& ours, std::string const& where) {
  if (theirs.is_null()) return;  // of what kind it may be otherwise is not told
  bool const numbers = theirs.is<double>() && ours.is<std::int64_t>();
  EXPECT_TRUE(numbers || std::string{theirs.kind()} == ours.kind()) << where << ": " << show(ours);
  auto const *map = theirs.get_if<value::map>(), *own = ours.get_if<value::map>();
  if (!map || !own) return;
  for (auto const& [key, v] : *map) {
    auto const* mine = find(*own, key);
    ASSERT_NE(mine, nullptr) << where << "." << key << " is missing";
    expect_same_shape(v, *mine, where + "." + key);
  }
}

class ControlCommands : public ::testing::Test {
 protected:
  ControlCommands() {
    app_.tasks().define(task<int(int, int)>{"wire.add", {"x", "y"}}, [](int x, int y) { return x + y; });
    app_.tasks().define(
        task<void()>{"wire.retry_forever"}, [] {}, limits{}.retry_forever());
    auto& p = node_.parts;
    p.tasks = [this] { return std::optional{tasks_}; };
    p.totals = [] { return std::map<std::string, std::uint64_t>{{"wire.sleep", 1}}; };
    p.stop = [this] { stopped_ = true; };
    p.revoke = [this](auto const& ids) { revoked_.insert(revoked_.end(), ids.begin(), ids.end()); };
    p.revoked = [this] { return revoked_; };
    p.revoke_stamps = [this](value::map const& stamps) { stamps_ = stamps; };
    p.queues = [] {
      broker::queue_spec q;
      q.name = queue_name{"celery"};
      q.exchange = q.routing_key = "celery";
      return std::vector{q};
    };
    p.rate_limit = [](auto const&, std::string const& rate) {
      return rate == "x/y" ? expected<void>{fail(errc::invalid_argument, "KeyError('y')")} : expected<void>{};
    };
    p.time_limits = [](auto&&...) { return expected<void>{}; };
    p.add_queue = [this](broker::queue_spec const& q) { return added_ = q, expected<void>{}; };
    p.cancel_queue = [](auto const&) { return expected<void>{}; };
    p.enable_events = [this] { return !std::exchange(events_, true); };
    p.disable_events = [this] { return std::exchange(events_, false); };
    p.revoked_for_peers = [] { return value{value::map{}}; };
    tasks_ = {view(task_phase::active, 0, "wire.sleep", {300}, {}),
              view(task_phase::reserved, 1, "wire.add", {1, 2}, {}),
              view(task_phase::scheduled, 2, "wire.echo", {1}, {{"k", "v"}})};
    tasks_[0].acknowledged = true;
    tasks_[0].pid = 7650;
    tasks_[0].started = time_point{std::chrono::microseconds{1795420864257711}};
    tasks_[2].priority = 3;
    tasks_[2].message.eta = datetime::from(time_point{std::chrono::microseconds{1795424464253945}});
  }

  task_view view(task_phase phase, std::size_t id, char const* task, value::list args, value::map kwargs) {
    task_view v;
    v.phase = phase;
    v.queue = queue_name{"celery"};
    v.routing_key = "celery";
    v.job = id + 1;
    v.message.task = task;
    v.message.id = task_id{*(*golden_.find("ids")->get_if<value::list>())[id].get_if<std::string>()};
    v.message.args = std::move(args);
    v.message.kwargs = std::move(kwargs);
    return v;
  }

  value run(std::string const& method, value::map const& arguments = {}) {
    return run_command(node_, method, arguments).value();
  }
  /// What Celery answered to the captured commands of this name, with what was asked.
  std::vector<std::pair<value::map, value>> captured(std::string const& command) {
    std::vector<std::pair<value::map, value>> out;
    for (auto const& c : *golden_.find("commands")->get_if<value::list>())
      if (*c.find("command")->get_if<std::string>() == command)
        out.emplace_back(*c.find("arguments")->get_if<value::map>(), *c.find("reply_body")->find("w1@wirehost"));
    return out;
  }
  void expect_exactly(std::string const& command) {
    auto const all = captured(command);
    ASSERT_FALSE(all.empty()) << command;
    for (auto const& [arguments, answer] : all)
      EXPECT_EQ(show(run(command, arguments)), show(answer)) << command << show(value{arguments});
  }

  value const golden_ = json_file("commands.json");
  app app_{config{}
               .broker_url("amqp://guest:hunter2@127.0.0.1:56720/wire")
               .result_backend("redis://localhost:6379/8")
               .worker_prefetch_multiplier(4)};
  fake_pool pool_;
  lamport_clock clock_;
  node node_{*app_.state(), "w1@wirehost", pool_, clock_, 5};
  std::vector<task_view> tasks_;
  std::vector<task_id> revoked_;
  value::map stamps_;
  broker::queue_spec added_;
  bool events_ = false, stopped_ = false;
};

TEST_F(ControlCommands, AnswerAsCelerysDo) {
  for (auto const* command : {"ping", "active", "reserved", "scheduled", "active_queues", "rate_limit", "time_limit",
                              "enable_events", "disable_events", "heartbeat", "pool_grow", "cancel_consumer",
                              "add_consumer", "no_such_command", "pool_restart"}) {
    SCOPED_TRACE(command);
    if (std::string_view{command} == "enable_events") {
      // Captured in a row: enabled, enabled already, and one with an argument that nobody knows.
      EXPECT_EQ(show(run(command)), show(captured(command)[0].second));
      EXPECT_EQ(show(run(command)), show(captured(command)[1].second));
      EXPECT_EQ(show(run(command, captured(command)[2].first)), show(captured(command)[2].second));
    } else {
      expect_exactly(command);
    }
  }
}

TEST_F(ControlCommands, HaveTheMembersOfCelerysAnswers) {
  for (auto const* command : {"stats", "clock", "report", "memsample", "memdump"}) {
    auto const [arguments, answer] = captured(command).front();
    expect_same_shape(answer, run(command, arguments), command);
  }
}

TEST_F(ControlCommands, ShowNoSecretAndOnlyWhatWasSet) {
  auto const conf = run("conf");
  EXPECT_EQ(*conf.find("broker_url"), value{"amqp://guest:********@127.0.0.1:56720/wire"});
  EXPECT_EQ(*conf.find("worker_prefetch_multiplier"), value{4});
  EXPECT_EQ(conf.find("task_serializer"), nullptr);
  auto const all = run("dump_conf", {{"with_defaults", true}});
  EXPECT_EQ(*all.find("task_serializer"), value{"json"});
  EXPECT_EQ(show(all).find("hunter2"), std::string::npos);
  EXPECT_EQ(show(run("report")).find("hunter2"), std::string::npos);
  EXPECT_EQ(show(run("stats")).find("hunter2"), std::string::npos);
}

TEST_F(ControlCommands, FindTasksByTheirIds) {
  auto const [arguments, answer] = captured("query_task").front();
  auto ids = *find(arguments, "ids")->get_if<value::list>();
  ids.erase(ids.begin() + 1);  // 5.2 leaves out what waits for its time; later ones do not
  EXPECT_EQ(show(run("query_task", {{"ids", ids}})), show(answer));
  EXPECT_EQ(*run("query_task", {{"ids", tasks_[2].message.id.str()}})
                 .find(tasks_[2].message.id.str())
                 ->get_if<value::list>()
                 ->begin(),
            value{"scheduled"});
}

TEST_F(ControlCommands, ListTasksWithTheirAttributes) {
  EXPECT_EQ(show(run("registered")), R"(["wire.add", "wire.retry_forever"])");
  EXPECT_EQ(show(run("dump_tasks", {{"taskinfoitems", value::list{"rate_limit", "max_retries"}}})),
            R"(["wire.add [max_retries=3]", "wire.retry_forever"])");
}

TEST_F(ControlCommands, RevokeAndTerminate) {
  EXPECT_EQ(show(run("revoke", {{"task_id", value::list{"b", "a", "b"}}})),
            R"({"ok": "tasks {'a', 'b'} flagged as revoked"})");
  EXPECT_THAT(revoked_, ElementsAre(task_id{"a"}, task_id{"b"}));
  EXPECT_THAT(pool_.ended, IsEmpty());
  auto const unknown = captured("revoke").at(2);
  EXPECT_EQ(show(run("revoke", unknown.first)), show(unknown.second));
  auto const known = captured("terminate").front();
  EXPECT_EQ(show(run("terminate", known.first)), show(known.second));
  EXPECT_THAT(pool_.ended, ElementsAre(std::pair{std::uint64_t{1}, SIGTERM}));
  EXPECT_THAT(show(run("terminate", {{"task_id", "a"}, {"signal", "SIGNONE"}})), HasSubstr("error"));
  EXPECT_EQ(show(run("revoked")).find("zz"), std::string::npos);
}

TEST_F(ControlCommands, TerminateATaskThatBeganJustNow) {
  auto const id = tasks_[1].message.id.str();
  (void)run("terminate", {{"task_id", id}, {"signal", "TERM"}});
  EXPECT_THAT(pool_.ended, IsEmpty());
  pool_.runs.insert(2);
  (void)run("terminate", {{"task_id", id}, {"signal", "TERM"}});
  EXPECT_THAT(pool_.ended, ElementsAre(std::pair{std::uint64_t{2}, SIGTERM}));
}

TEST_F(ControlCommands, RevokeByStamp) {
  tasks_[0].message.stamps = {{"tenant", value::list{"blocked", "other"}}};
  value::map const asked{{"headers", value::map{{"tenant", value::list{"blocked"}}}}};
  EXPECT_EQ(show(run("revoke_by_stamped_headers", asked)),
            R"({"ok": "headers {'tenant': ['blocked']} flagged as revoked, but not terminated"})");
  EXPECT_EQ(stamps_, (value::map{{"tenant", value::list{"blocked"}}}));
  EXPECT_THAT(pool_.ended, IsEmpty());
  auto ending = asked;
  ending.push_back({"terminate", true});
  EXPECT_EQ(show(run("revoke_by_stamped_headers", ending)), R"({"ok": "headers {'tenant': ['blocked']} revoked"})");
  EXPECT_EQ(pool_.ended.size(), 1U);
  EXPECT_EQ(show(run("revoke_by_stamped_headers", {{"headers", value::list{"tenant=none"}}, {"terminate", true}})),
            R"({"ok": "headers {'tenant': 'none'} were not terminated"})");
}

TEST_F(ControlCommands, DoNotShrinkThePoolToNothing) {
  auto const all = captured("pool_shrink");
  EXPECT_EQ(show(run("pool_shrink", all[0].first)), show(all[0].second));
  run("pool_grow", {{"n", 3}});
  EXPECT_EQ(pool_.size, 4U);
  run("pool_shrink");
  EXPECT_EQ(pool_.size, 3U);
}

TEST_F(ControlCommands, LeaveAnAutoscaledPoolItsSize) {
  expect_exactly("autoscale");
  auto const golden = json_file("autoscale.json");
  auto const answer = [&](char const* command) {
    return (*golden.find("replies")->find(command)->get_if<value::list>())[0].find("w3@wirehost");
  };
  node_parts::range range{4, 1};
  node_.parts.autoscaler = [&] { return std::optional{node_parts::autoscale_state{range, 1, 0}}; };
  node_.parts.autoscale = [&](auto max, auto min) {
    return expected<node_parts::range>{range = {max.value_or(range.max), min.value_or(range.min)}};
  };
  EXPECT_EQ(run("pool_grow"), *answer("pool_grow"));
  EXPECT_EQ(run("autoscale", {{"max", 6}, {"min", 2}}), *answer("autoscale"));
  EXPECT_EQ(*run("stats").find("autoscaler"), (value{value::map{{"max", 6}, {"min", 2}, {"current", 1}, {"qty", 0}}}));
}

TEST_F(ControlCommands, AddQueuesAsAskedFor) {
  run("add_consumer", {{"queue", "q"}, {"exchange", "media"}, {"exchange_type", "topic"}, {"routing_key", "news.#"}});
  EXPECT_EQ(added_.exchange, "media");
  EXPECT_EQ(added_.exchange_type, "topic");
  EXPECT_EQ(added_.routing_key, "news.#");
  run("add_consumer", {{"queue", "plain"}, {"exchange", nullptr}});
  EXPECT_EQ(added_.exchange, "plain");
  EXPECT_EQ(added_.routing_key, "plain");
}

TEST_F(ControlCommands, GiveUpAQueueThatIsNotTakenFromAsCelerysDo) {
  node_.parts.cancel_queue = [](auto const&) -> expected<void> { return fail(errc::invalid_argument, "not consumed"); };
  EXPECT_EQ(show(run("cancel_consumer", {{"queue", "q"}})), R"({"ok": "no longer consuming from q"})");
  node_.parts.cancel_queue = [](auto const&) -> expected<void> { return fail(errc::timeout, "nobody is there"); };
  EXPECT_THAT(show(run("cancel_consumer", {{"queue", "q"}})), HasSubstr("error"));
}

TEST_F(ControlCommands, ShowTheRateThatTheyWereTold) {
  run("rate_limit", {{"task_name", "wire.add"}, {"rate_limit", "10/m"}});
  EXPECT_EQ(show(run("registered")), R"(["wire.add [rate_limit=10/m]", "wire.retry_forever"])");
  run("rate_limit", {{"task_name", "wire.add"}, {"rate_limit", 0}});
  EXPECT_EQ(show(run("registered")), R"(["wire.add [rate_limit=0]", "wire.retry_forever"])");
}

TEST_F(ControlCommands, GreetOthersButNotThemselves) {
  EXPECT_TRUE(run("hello", {{"from_node", "w1@wirehost"}}).is_null());
  EXPECT_EQ(show(run("hello", {{"from_node", "w2@wirehost"}, {"revoked", value::map{}}})),
            R"({"revoked": {}, "clock": 1})");
}

TEST_F(ControlCommands, SayInPythonsWordsWhatIsMissing) {
  EXPECT_EQ(*run("query_task").find("error"),
            value{"TypeError(\"query_task() missing 1 required positional argument: 'ids'\")"});
  EXPECT_EQ(*run("rate_limit").find("error"),
            value{"TypeError(\"rate_limit() missing 2 required positional arguments: 'task_name' and 'rate_limit'\")"});
  EXPECT_THAT(show(run("pool_grow", {{"n", value::list{}}})), HasSubstr("TypeError"));
}

TEST_F(ControlCommands, SaySoWhenTheWorkerHasNoSuchPart) {
  node_.parts = {};
  for (auto const* command : {"active", "active_queues", "enable_events", "shutdown"})
    EXPECT_NE(run(command).find("error"), nullptr) << command;
  EXPECT_NE(run("revoke", {{"task_id", "a"}}).find("error"), nullptr);
  EXPECT_NE(run("add_consumer", {{"queue", "a"}}).find("error"), nullptr);
}

TEST_F(ControlCommands, EndTheWorkerWithoutAnAnswer) {
  EXPECT_EQ(run_command(node_, "shutdown", {}), std::nullopt);
  EXPECT_TRUE(stopped_);
}

TEST_F(ControlCommands, IncludeThoseOfPlugins) {
  app_.tasks().command("cache_size", [](value::map const& given) { return value{value::map{{"ok", given.size()}}}; });
  app_.tasks().command("broken", [](value::map const&) -> value { throw std::runtime_error{"no cache"}; });
  EXPECT_EQ(show(run("cache_size", {{"a", 1}, {"b", 2}})), R"({"ok": 2})");
  EXPECT_EQ(show(run("broken")), R"({"error": "std::runtime_error: no cache"})");
  EXPECT_THROW(app_.tasks().command("broken", [](value::map const&) { return value{}; }), error);
}

TEST(ControlCommandsOfASetting, RestartThePoolWhereThatIsAllowed) {
  app const app{config{}.broker_url("memory://").worker_pool_restarts(true)};
  fake_pool pool;
  lamport_clock clock;
  node on{*app.state(), "w1@wirehost", pool, clock, 5};
  EXPECT_EQ(show(run_command(on, "pool_restart", {}).value()), R"({"ok": "reload started"})");
  EXPECT_EQ(pool.restarts, 1);
}

TEST(ControlCommandTable, KnowsAllOfCelerys) {
  std::set<std::string_view> names;
  for (auto const& c : all_commands()) names.insert(c.name);
  for (auto const* name : {"ping",
                           "clock",
                           "report",
                           "conf",
                           "active",
                           "reserved",
                           "scheduled",
                           "revoked",
                           "registered",
                           "stats",
                           "query_task",
                           "active_queues",
                           "hello",
                           "memsample",
                           "memdump",
                           "objgraph",
                           "revoke",
                           "terminate",
                           "revoke_by_stamped_headers",
                           "rate_limit",
                           "time_limit",
                           "enable_events",
                           "disable_events",
                           "heartbeat",
                           "pool_grow",
                           "pool_shrink",
                           "pool_restart",
                           "autoscale",
                           "add_consumer",
                           "cancel_consumer",
                           "election",
                           "shutdown"})
    EXPECT_TRUE(names.contains(name)) << name;
}

}  // namespace
}  // namespace lovage::work
