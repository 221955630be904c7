// What becomes of a workflow, by what happens to one task of it and where that task stands: the table of
// docs/guide/workflows.md, with a real worker and children that die, on every broker with every result backend.
#include <lovage/app.hpp>
#include <lovage/worker.hpp>
#include <lovage/workflow.hpp>

#include "app/app_state.hpp"
#include "pool/prefork.hpp"

#include "broker_place.hpp"
#include "eventually.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

namespace lovage::outcomes {
namespace {

using namespace std::chrono_literals;

constexpr int delivery_limit = 3;

/// Notes that it runs in the file `log`, and does `what`.
using act = task<value(value, std::string, std::string)>;
constexpr act plain{"o.plain", {"before", "what", "log"}};
constexpr act limited{"o.limited", {"before", "what", "log"}};
constexpr act unknown{"o.unknown", {"before", "what", "log"}};  // has no body

// ---- The table.

/// How the task of the table ends, for whoever waits for it.
enum ending { gives, fails, is_unknown, revoked, ignored, rejected };

struct fate {
  char const* name;
  ending how;
  char const* what;         ///< its body does
  int runs;                 ///< of its body
  char const* result = "";  ///< what it gives, or the type of its failure
  act const* task = &plain;
};

fate const fates[] = {
    {"succeeds", gives, "return", 1, "node"},
    {"is retried once", gives, "retry once", 2, "node"},
    {"dies once", gives, "die once", 2, "node"},
    {"is replaced by a task", gives, "be a task", 1, "stand-in"},
    {"is replaced by a group", gives, "be a group", 1, "one,two"},
    {"fails", fails, "fail", 1, "RuntimeError"},
    {"is retried too often", fails, "retry", 2, "MaxRetriesExceededError"},
    {"dies each time", fails, "die", delivery_limit, "WorkerLostError"},
    {"is replaced by a chain that fails", fails, "be a failure", 1, "RuntimeError"},
    {"exceeds its time limit", fails, "hang", 1, "TimeLimitExceeded", &limited},
    {"is known to nobody", is_unknown, "", 0, "NotRegistered", &unknown},
    {"is revoked", revoked, "return", 0},
    {"expires", revoked, "return", 0},
    {"is ignored", ignored, "ignore", 1},
    {"is rejected", rejected, "reject", 1},
};

fate const sent_again{"is rejected, and then sent again from the dead set", gives, "reject", 2, "node"};

/// What the end of the workflow is to the task.
enum place { itself, later_step, group_around, chord_around, before_link, graph_around };

/// What the end of the workflow comes to, whether what follows the task runs, whether the errback of the whole is
/// called. "own": as the task; other texts: a state, or a failure's type.
struct reaction {
  char const* end;
  int next = 0;
  int told = 0;
};

constexpr std::size_t places = graph_around + 1, endings = rejected + 1;
// The errback of a task that nobody knows is not called: its message is in the dead set, to be sent again.
reaction const rules[places][endings] = {
    // gives, fails, is unknown, is revoked, is ignored, is rejected
    {{"SUCCESS", 1}, {"own", 0, 1}, {"own"}, {"REVOKED"}, {"PENDING"}, {"PENDING"}},
    {{"SUCCESS", 1}, {"own", 0, 1}, {"own"}, {"PENDING"}, {"PENDING"}, {"PENDING"}},
    {{"SUCCESS"}, {"own", 0, 1}, {"own"}, {"REVOKED"}, {"PENDING"}, {"PENDING"}},
    {{"SUCCESS", 1},
     {"ChordError", 0, 1},
     {"ChordError", 0, 1},
     {"ChordError", 0, 1},
     {"ChordError", 0, 1},
     {"PENDING"}},
    {{"SUCCESS", 1}, {"SUCCESS"}, {"SUCCESS"}, {"SUCCESS"}, {"SUCCESS"}, {"SUCCESS"}},
    {{"SUCCESS", 1}, {"own", 0, 1}, {"own"}, {"REVOKED"}, {"Ignore"}, {"STARTED"}},
};

/// What the task itself is stored as; "own": see `fate::result`.
char const* const states[endings] = {"SUCCESS", "own", "own", "REVOKED", "PENDING", "PENDING"};

struct cell;

struct kind {
  char const* name;
  place at;
  void (*send)(app& on, cell& c);
  value (*result)(value of_node);  ///< of the end, where all goes well
};

// ---- The tasks.

constexpr task<std::string(std::string)> say{"o.say", {"text"}};
constexpr task<value(value)> pass{"o.pass", {"x"}};
constexpr task<value(value, std::string)> follow{"o.follow", {"before", "log"}};
constexpr task<void(std::string, std::string)> tell{"o.tell", {"failed", "log"}};
constexpr task<int()> break_down{"o.break_down"};

int lines_of(std::string const& file) {
  std::ifstream in{file};
  int n = 0;
  for (std::string line; std::getline(in, line);) ++n;
  return n;
}
void note(std::string const& file) { std::ofstream{file, std::ios::app} << "x\n"; }

value body(context& self, value const&, std::string const& what, std::string const& log) {
  note(log);
  bool const first = lines_of(log) == 1;
  if (what == "fail") throw std::runtime_error{"no"};
  if (what == "retry" || (what == "retry once" && first)) throw self.retry(0s).max_retries(1);
  if (what == "die" || (what == "die once" && first)) ::kill(::getpid(), SIGKILL);
  if (what == "be a task") throw self.replace(say.s("stand-in"));
  if (what == "be a group") throw self.replace(group(say.s("one"), say.s("two")));
  if (what == "be a failure") throw self.replace(break_down.s() | pass.s());
  if (what == "hang") std::this_thread::sleep_for(10min);  // until it is killed
  if (what == "ignore") throw ignore{};
  if (what == "reject" && first) throw reject{"unwanted"};
  return "node";
}

void define_all(app& on) {
  on.tasks().define(plain, body);
  on.tasks().define(limited, body, limits{}.time_limit(700ms));  // long enough to begin on a busy machine
  on.tasks().define(say, [](std::string const& text) { return text; });
  on.tasks().define(pass, [](value x) { return x; });
  on.tasks().define(follow, [](value before, std::string const& log) {
    note(log + ".next");
    return value{value::list{"next", std::move(before)}};
  });
  on.tasks().define(tell, [](std::string const&, std::string const& log) { note(log + ".told"); });
  on.tasks().define(break_down, []() -> int { throw std::runtime_error{"no"}; });
}

// ---- The workflows.

struct cell {
  kind const* of;
  fate const* what;
  std::string log;
  task_id node;
  std::function<task_status()> end;

  [[nodiscard]] auto next() const { return follow.s(log); }
  [[nodiscard]] auto told() const { return tell.s(log); }
  [[nodiscard]] auto node_first() const { return dressed(what->task->s(value{}, what->what, log)); }
  [[nodiscard]] auto node_later() const { return dressed(what->task->s(what->what, log)); }
  template <class Signature>
  [[nodiscard]] Signature dressed(Signature s) const {
    s.id(node);
    if (what->name == std::string_view{"expires"}) s.expires(-1s);
    return s;
  }
};

task_status status_of(async_result<value> const& sent) { return sent.status(); }
/// The first that did not succeed, or the list of what they gave.
template <class Outcome>
task_status status_of(group_result<Outcome> const& sent) {
  task_status all;
  value::list list;
  for (auto const& s : sent.statuses()) {
    if (s.state != "SUCCESS") return s;
    list.push_back(s.result);
  }
  all.state = "SUCCESS";
  all.result = std::move(list);
  return all;
}

template <class Flow>
void send_flow(app& on, cell& c, Flow flow) {
  auto const sent = on.send(std::move(flow).link_error(c.told()));
  c.end = [sent] { return status_of(sent); };
}

using flow = canvas<value()>;
auto other() { return named("o.say", {"other"}); }

void send_graph(app& on, cell& c) {
  workflow graph;
  auto const node = graph.add("node", c.node_first().link_error(c.told()));
  graph.add("end", c.next(), node);
  auto const sent = on.send(graph);
  c.node = sent.result("node").id();
  c.end = [sent] { return sent.status(); };
}

value as_it_is(value v) { return v; }
value after_next(value v) { return value::list{"next", std::move(v)}; }
value in_group(value v) { return value::list{std::move(v), "other"}; }
value in_header(value v) { return after_next(in_group(std::move(v))); }

kind const kinds[] = {
    {"single task", itself, [](app& on, cell& c) { send_flow(on, c, flow{c.node_first()}.link(c.next())); }, as_it_is},
    {"first step of a chain", later_step,
     [](app& on, cell& c) { send_flow(on, c, c.node_first() | pass.s() | c.next()); }, after_next},
    {"middle step of a chain", later_step,
     [](app& on, cell& c) { send_flow(on, c, other() | c.node_later() | c.next()); }, after_next},
    {"last step of a chain", itself,
     [](app& on, cell& c) { send_flow(on, c, (other() | c.node_later()).link(c.next())); }, as_it_is},
    {"member of a group", group_around, [](app& on, cell& c) { send_flow(on, c, group(c.node_first(), other())); },
     in_group},
    {"member of a header", chord_around,
     [](app& on, cell& c) { send_flow(on, c, group(c.node_first(), other()) | c.next()); }, in_header},
    {"first step of a member", chord_around,
     [](app& on, cell& c) { send_flow(on, c, group(c.node_first() | pass.s(), other()) | c.next()); }, in_header},
    {"last step of a member", chord_around,
     [](app& on, cell& c) { send_flow(on, c, group(other() | c.node_later(), other()) | c.next()); }, in_header},
    {"body of a chord", itself,
     [](app& on, cell& c) { send_flow(on, c, (group(other(), other()) | c.node_later()).link(c.next())); }, as_it_is},
    {"link", before_link, [](app& on, cell& c) { send_flow(on, c, flow{other()}.link(c.node_later().link(c.next()))); },
     [](value) { return value{"other"}; }},
    {"node of a named workflow", graph_around, send_graph,
     [](value v) {
       return value{value::map{{"end", after_next(std::move(v))}}};
     }},
};

// ---- What is expected of a cell.

/// A state, or a failure's type.
std::string ending_of(task_status const& s) {
  auto const* type = s.state == "FAILURE" ? s.result.find("exc_type") : nullptr;
  auto const* text = type ? type->get_if<std::string>() : nullptr;
  return text ? *text : s.state;
}
std::string or_own(char const* text, fate const& f) { return text == std::string_view{"own"} ? f.result : text; }
reaction const& reaction_to(cell const& c) { return rules[c.of->at][c.what->how]; }

value value_of(fate const& f) {
  if (f.result == std::string_view{"one,two"}) return value::list{"one", "two"};
  return f.result;
}

bool unfinished(std::string const& state) { return state == "PENDING" || state == "STARTED"; }
/// All that is to come has come.
bool over(cell const& c) {
  auto const& then = reaction_to(c);
  return lines_of(c.log) >= c.what->runs && lines_of(c.log + ".next") >= then.next &&
         lines_of(c.log + ".told") >= then.told && (unfinished(then.end) || c.end().ready());
}

using broker_and_store = std::tuple<char const*, char const*>;

class Outcomes : public ::testing::TestWithParam<broker_and_store> {
 protected:
  Outcomes()
      : on{config{}
               .broker_url(at.broker_url())
               .result_backend(store.result_backend())
               .task_delivery_limit(delivery_limit)} {
    define_all(on);
  }
  ~Outcomes() override { stop(); }

  void send_all() {
    cells.reserve(std::size(kinds) * std::size(fates));
    for (auto const& k : kinds)
      for (auto const& f : fates) {
        auto const name = "cell-" + std::to_string(cells.size());
        cells.push_back({&k, &f, (at.directory() / name).string(), task_id{name}, {}});
        k.send(on, cells.back());
        if (f.name == std::string_view{"is revoked"}) on.result(cells.back().node).revoke();
      }
  }
  void start() {
    by.emplace(on, worker_options{}.pool(pool_kind::prefork).concurrency(2).handle_signals(false));
    thread = std::thread{[this] { by->run(); }};
    ASSERT_TRUE(by->wait_ready(20s));
  }
  /// What it held and did not finish is in the queue again, then.
  void stop() {
    if (by) by->stop();
    if (thread.joinable()) thread.join();
    by.reset();
  }
  std::unique_ptr<broker::inspector> inspect() {
    return on.state()->transport(10s).value()->make_inspector(10s).value();
  }
  std::uint64_t waiting() {
    std::uint64_t n = 0;
    for (auto const& q : inspect()->queues().value())
      if (q.name == queue_name{"celery"}) n += q.ready + q.delayed + q.claimed;
    return n;
  }
  /// Until nothing can happen any more: a worker finished what it had, and left nothing.
  void run_dry() {
    auto const until = deadline::in(60s);
    do {
      start();
      for (auto const& c : cells) (void)testing::eventually([&] { return over(c); }, until);
      (void)testing::eventually([&] { return waiting() == 0; }, until);
      stop();
    } while (waiting() > 0 && !until.passed());
    EXPECT_EQ(waiting(), 0U);
  }
  /// Of those that rejected themselves.
  std::vector<std::uint64_t> dead_ids() {
    std::vector<std::uint64_t> out;
    for (auto const& m : inspect()->dead(queue_name{"celery"}, 10'000).value())
      if (m.reason.find("unwanted") != std::string::npos) out.push_back(m.id);
    return out;
  }
  void expect_as_in_the_table(cell const& c) {
    SCOPED_TRACE(std::string{c.of->name} + ", which " + c.what->name);
    auto const& then = reaction_to(c);
    auto const end = c.end();
    EXPECT_EQ(ending_of(end), or_own(then.end, *c.what)) << "the end";
    if (c.what->how == gives) {
      EXPECT_EQ(end.result, c.of->result(value_of(*c.what)));
    }
    auto const own = c.what->how == gives ? "SUCCESS" : or_own(states[c.what->how], *c.what);
    EXPECT_EQ(ending_of(on.result(c.node).status()), own) << "the task itself";
    EXPECT_EQ(lines_of(c.log), c.what->runs) << "runs";
    EXPECT_EQ(lines_of(c.log + ".next"), then.next) << "runs of what follows";
    EXPECT_EQ(lines_of(c.log + ".told"), then.told) << "calls of the errback";
  }

  testing::broker_place at{std::get<0>(GetParam())}, store{std::get<1>(GetParam())};
  app on;
  std::vector<cell> cells;
  std::optional<worker> by;
  std::thread thread;
};

TEST_P(Outcomes, AreThoseOfTheTable) {
  send_all();
  run_dry();
  for (auto const& c : cells) expect_as_in_the_table(c);

  // What was rejected is sent again from the dead set.
  auto const dead = dead_ids();
  ASSERT_EQ(dead.size(), std::size(kinds)) << "each rejected one";
  EXPECT_EQ(inspect()->redrive(queue_name{"celery"}, dead).value(), dead.size());
  std::erase_if(cells, [](cell const& c) { return c.what->how != rejected; });
  for (auto& c : cells) c.what = &sent_again;
  run_dry();
  for (auto const& c : cells) expect_as_in_the_table(c);
}

INSTANTIATE_TEST_SUITE_P(Brokers, Outcomes,
                         ::testing::Combine(::testing::ValuesIn(testing::every_broker),
                                            ::testing::Values("memory", "sqlite", "redis")),
                         [](auto const& of) {
                           return std::string{std::get<0>(of.param)} + "_with_" + std::get<1>(of.param);
                         });

}  // namespace
}  // namespace lovage::outcomes

// The fork server is this program, run up to a worker of the same tasks.
int main(int argc, char** argv) {
  if (lovage::pool::is_fork_server()) {
    lovage::app on{lovage::config{}.broker_url("memory://fork-server")};
    lovage::outcomes::define_all(on);
    return lovage::worker{on, lovage::worker_options{}.pool(lovage::pool_kind::prefork)}.run();
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
