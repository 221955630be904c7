// Workflows from end to end, on every kind of store: each that is sent comes to what it says.
#include <lovage/testing.hpp>

#include "app/canvas_send.hpp"
#include "app/signature_message.hpp"
#include "canvas_rules.hpp"
#include "core/log.hpp"
#include "rabbitmq_server.hpp"
#include "redis_server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <mutex>

namespace lovage::canvas_runs {
namespace {

using namespace std::chrono_literals;
using wire::signature;
using namespace testing::canvas_rules;

constexpr task<int(int, int)> add{"t.add", {"x", "y"}};
constexpr task<int(std::vector<int>)> total{"t.total", {"xs"}};
constexpr task<value(value, int)> mark{"t.mark", {"before", "n"}};
constexpr task<int(std::string)> fail_with{"t.fail", {"message"}};
constexpr task<int(int, int)> flaky{"t.flaky", {"x", "succeed_at"}};
constexpr task<void(std::string, std::string)> sorry{"t.sorry", {"failed", "what"}};

signature with(signature s, std::string_view option, value v) {
  s.set_option(option, std::move(v));
  return s;
}

/// Where messages wait and results are kept.
struct place {
  explicit place(std::string const& kind) {
    std::filesystem::create_directories(directory);
    if (kind == "sqlite") broker = results = "sqlite:///" + (directory / "store.db").string();
    if (kind == "rabbitmq") {
      static testing::rabbitmq_server rabbit;
      broker = rabbit.url(rabbit.fresh_vhost());
    }
    if (kind == "redis" || kind == "rabbitmq") {
      redis = std::make_unique<testing::redis_server>();
      results = redis->url();
    }
    if (kind == "redis") broker = results;
  }
  ~place() { std::filesystem::remove_all(directory); }
  place(place const&) = delete;
  place& operator=(place const&) = delete;
  [[nodiscard]] config settings() const { return config{}.broker_url(broker).result_backend(results); }

  std::filesystem::path directory =
      std::filesystem::path{::testing::TempDir()} / ("lovage-canvas-" + std::to_string(::getpid()));
  std::unique_ptr<testing::redis_server> redis;
  std::string broker, results;
};

class Canvas : public ::testing::TestWithParam<char const*> {
 protected:
  Canvas() : at{GetParam()}, on{make()} {
    log::set_sink({}, log::level::critical);
    on.tasks().define(add, [](int x, int y) { return x + y; });
    on.tasks().define(total, [this](std::vector<int> const& xs) {
      ++totals;
      int sum = 0;
      for (auto const x : xs) sum += x;
      return sum;
    });
    on.tasks().define(mark, [](value before, int n) { return value{value::list{n, std::move(before)}}; });
    on.tasks().define(fail_with, [](std::string const& message) -> int { throw std::invalid_argument{message}; });
    on.tasks().define(flaky, [](context& self, int x, int at_try) {
      if (self.retries() < at_try) throw self.retry(0s);
      return x;
    });
    on.tasks().define(sorry, [this](std::string failed, std::string what) {
      std::lock_guard const lock{mutex};
      apologies.emplace_back(std::move(failed), std::move(what));
    });
    if (GetParam() != std::string_view{"eager"}) worker.emplace(on, 2);
  }
  app make() const {
    std::string const kind = GetParam();
    if (kind == "eager") return testing::eager_app();
    return kind == "memory" ? testing::memory_app() : app{at.settings()};
  }
  wire::result_tuple send(signature s) { return detail::send_canvas(*on.state(), std::move(s), 30s).value(); }
  value result(std::string const& id) { return on.result<value>(task_id{id}).get(30s); }
  value read(wire::result_tuple const& of) {
    if (!of.children) return result(of.id);
    value::list out;
    for (auto const& c : *of.children) out.push_back(read(c));
    return out;
  }
  value run(signature s) { return read(send(std::move(s))); }
  error_info failure_of(std::string const& id) {
    auto const r = on.result<value>(task_id{id}).try_get(30s);
    return r ? error_info{errc::ok, "it succeeded", id} : r.error();
  }
  std::vector<std::pair<std::string, std::string>> wait_for_apologies(std::size_t n) {
    auto const until = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      {
        std::lock_guard const lock{mutex};
        if (apologies.size() >= n || std::chrono::steady_clock::now() > until) return apologies;
      }
      std::this_thread::yield();
    }
  }

  place at;
  std::atomic<int> totals{0};
  std::mutex mutex;
  std::vector<std::pair<std::string, std::string>> apologies;
  app on;
  std::optional<testing::background_worker> worker;
};

TEST_P(Canvas, EveryContainerComesToWhatItSays) {
  value::list const pairs{value::list{1, 1}, value::list{2, 2}, value::list{3, 3}};
  using k = wire::signature_kind;
  struct {
    char const* what;
    signature sent;
    value wanted;
  } const cases[] = {
      {"task", call("t.add", 1, 2), 3},
      {"chain", chain({call("t.add", 1, 2), call("t.add", 10), call("t.add", 100)}), 113},
      {"chain of one", chain({call("t.add", 1, 2)}), 3},
      {"group", group({call("t.add", 1, 2), call("t.add", 3, 4)}), value::list{3, 7}},
      {"group of none", group({}), value::list{}},
      {"group of one", group({call("t.add", 1, 2)}), value::list{3}},
      {"group of groups", group({call("t.add", 1, 2), group({call("t.add", 3, 4)})}), value::list{3, 7}},
      {"chord", chord({call("t.add", 1, 2), call("t.add", 3, 4)}, call("t.total")), 10},
      {"chord of none", chord({}, call("t.total")), 0},
      {"chord of one", chord({call("t.add", 1, 2)}, call("t.total")), 3},
      {"group and task", chain({group({call("t.add", 1, 2), call("t.add", 3, 4)}), call("t.total")}), 10},
      {"task, group, task",
       chain({call("t.add", 1, 2), group({call("t.add", 10), call("t.add", 20)}), call("t.total")}), 36},
      {"task and group", chain({call("t.add", 1, 2), group({call("t.add", 10), call("t.add", 20)})}),
       value::list{13, 23}},
      {"chord and task", chain({chord({call("t.add", 1, 2)}, call("t.total")), call("t.add", 5)}), 8},
      {"chord whose body is a chain", chord({call("t.add", 1, 2)}, chain({call("t.total"), call("t.add", 5)})), 8},
      {"chord whose body is a group", chord({call("t.add", 1, 2)}, group({call("t.total"), call("t.mark", 7)})),
       value::list{3, value::list{7, value::list{3}}}},
      {"chord of chains", chord({chain({call("t.add", 1, 2), call("t.add", 1)}), call("t.add", 3, 4)}, call("t.total")),
       11},
      {"chord in a chord", chord({chord({call("t.add", 1, 2)}, call("t.total")), call("t.add", 3, 4)}, call("t.total")),
       10},
      {"chord of a chain that ends in a group",
       chord({call("t.add", 0, 1), chain({call("t.add", 1, 2), group({call("t.add", 1), call("t.add", 2)})})},
             call("t.mark", 9)),
       value::list{9, value::list{1, value::list{4, 5}}}},
      {"groups one after another",
       chain({group({call("t.add", 1, 2)}), group({call("t.total"), call("t.total")}), call("t.total")}), 6},
      {"map", wire::make_map(k::map, call("t.total"), value::list{value::list{1, 2}, value::list{3}}),
       value::list{3, 3}},
      {"starmap", wire::make_map(k::starmap, call("t.add"), pairs), value::list{2, 4, 6}},
      {"chunks", wire::make_map(k::chunks, call("t.add"), pairs, 2), value::list{value::list{2, 4}, value::list{6}}},
      {"chunks and task", chain({wire::make_map(k::chunks, call("t.add"), pairs, 2), call("t.mark", 1)}),
       value::list{1, value::list{value::list{2, 4}, value::list{6}}}},
      {"a member tried again", chord({call("t.flaky", 5, 2), call("t.add", 1, 2)}, call("t.total")), 8},
  };
  for (auto const& c : cases) EXPECT_EQ(run(c.sent), c.wanted) << c.what;
}

TEST_P(Canvas, AMemberThatFailsFailsTheBodyOnceAllAreInAndTellsItsErrback) {
  auto body = with(call("t.total"), "link_error", call("t.sorry", "total").to_value());
  auto const sent = send(chord({call("t.add", 1, 2), call("t.fail", "no"), call("t.add", 3, 4)}, body));
  auto const why = failure_of(sent.id);
  auto const& members = *sent.parent.at(0).children;
  EXPECT_EQ(why.code, errc::task_failed);
  EXPECT_NE(why.detail.find("ChordError: Dependency " + members[1].id + " raised ValueError('no')"), std::string::npos)
      << why.detail;
  EXPECT_EQ(result(members[2].id), value{7});
  auto const told = wait_for_apologies(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], (std::pair<std::string, std::string>{sent.id, "total"}));
  EXPECT_EQ(totals, 0);
}

TEST_P(Canvas, AFailureInsideReachesEveryChordAroundIt) {
  auto const inner = chord({call("t.add", 1, 2), chain({call("t.fail", "no"), call("t.add", 1)})}, call("t.total"));
  auto const sent = send(chain({chord({inner, call("t.add", 1, 1)}, call("t.total")), call("t.add", 1)}));
  auto const why = failure_of(sent.id);
  EXPECT_EQ(why.code, errc::task_failed);
  EXPECT_NE(why.detail.find("ChordError: Dependency "), std::string::npos) << why.detail;
  EXPECT_EQ(failure_of(sent.parent.at(0).id).code, errc::task_failed);
  EXPECT_EQ(totals, 0);
}

TEST_P(Canvas, AMemberThatExpiresFailsTheBody) {
  auto const sent = send(chord({call("t.add", 1, 2), with(call("t.add", 3, 4), "expires", -1)}, call("t.total")));
  auto const why = failure_of(sent.id);
  EXPECT_NE(why.detail.find("raised TaskRevokedError('expired')"), std::string::npos) << why.detail;
}

TEST_P(Canvas, BodiesThatTheBackendKeepsComeToTheSame) {
  value const big{value::map{{"x", std::string(3'000, 'x')}}};
  std::vector<signature> steps{call("t.add", 0, 1)};
  std::int64_t wanted = 1;
  for (int i = 0; i < 12; ++i) {
    std::vector<signature> header;
    for (int m = 0; m < 3; ++m) header.push_back(chord({call("t.add", m)}, with(call("t.total"), "headers", big)));
    steps.push_back(chord(std::move(header), with(call("t.total"), "headers", big)));
    wanted = 3 * wanted + 3;
  }
  EXPECT_EQ(run(chain(std::move(steps))), value{wanted});
}

TEST_P(Canvas, AFailureFindsItsWayThroughBodiesThatAreKept) {
  value const big{value::map{{"x", std::string(30'000, 'x')}}};
  std::vector<signature> header;
  for (int m = 0; m < 10; ++m) header.push_back(chord({call("t.add", m)}, with(call("t.total"), "headers", big)));
  header.push_back(chord({call("t.total")}, with(call("t.total"), "headers", big)));
  auto const sent = send(chain({call("t.add", 0, 1), chord(std::move(header), with(call("t.total"), "headers", big))}));
  EXPECT_NE(failure_of(sent.id).detail.find("ChordError"), std::string::npos);
}

TEST_P(Canvas, LargeGroupsGoOutInBatches) {
  std::vector<signature> members;
  for (int i = 0; i < 2'600; ++i) members.push_back(call("t.add", i, 0));
  std::vector<std::pair<std::size_t, std::size_t>> progress, expected;
  for (std::size_t n = 250; n <= 2'500; n += 250) expected.emplace_back(n, 2'600);
  expected.emplace_back(2'600, 2'600);
  auto const sent = detail::send_canvas(*on.state(), chord(std::move(members), call("t.total")), 60s,
                                        [&](std::size_t n, std::size_t all) { progress.emplace_back(n, all); });
  ASSERT_TRUE(sent);
  EXPECT_EQ(progress, expected);
  EXPECT_EQ(result(sent->id), value{2'599 * 2'600 / 2});
}

TEST_P(Canvas, AMemberThatIsRevokedFailsTheBody) {
  if (GetParam() == std::string_view{"eager"}) GTEST_SKIP() << "runs where it is sent";
  worker.reset();
  auto const sent = send(chord({call("t.add", 1, 2), chain({call("t.add", 3, 4), call("t.add", 5)})}, call("t.total")));
  auto const& chained = sent.parent.at(0).children->at(1);
  on.result<value>(task_id{chained.parent.at(0).id}).revoke();
  worker.emplace(on, 2);
  auto const why = failure_of(sent.id);
  EXPECT_NE(why.detail.find("Dependency " + chained.id + " raised TaskRevokedError('revoked')"), std::string::npos)
      << why.detail;
}

TEST_P(Canvas, WhatOtherWorkersCallInTheBodysPlaceIsTheBody) {
  if (GetParam() == std::string_view{"eager"}) GTEST_SKIP() << "no worker";
  auto body = with(call("t.total"), "task_id", "kept-body");
  auto const results = on.state()->backend(5s).value();
  ASSERT_TRUE(results->start_chords(std::vector{backend::chord_start{"kept", 2, body.to_value()}}, 1h, 5s));
  (void)on.send_named("lovage.chord_body", {value::list{3, 4}}, {{"group", "kept"}});
  EXPECT_EQ(result("kept-body"), value{7});
}

TEST_P(Canvas, AnyWorkflowComesToWhatTheRulesSay) {
  auto const rounds = GetParam() == std::string_view{"eager"} || GetParam() == std::string_view{"memory"} ? 150U : 40U;
  std::vector<std::pair<wire::result_tuple, value>> sent;
  std::vector<signature> written;
  for (unsigned seed = 1; seed <= rounds; ++seed) {
    auto f = chance{seed}.make(3);
    f.s = f.kind == flow::task ? call("t.mark", 0, f.n) : std::move(f.s);
    if (f.kind != flow::task) f.s.args = value::list{0};
    auto wanted = outcome_of(f, 0);
    written.push_back(f.s);
    sent.emplace_back(send(std::move(f.s)), std::move(wanted));
  }
  for (std::size_t i = 0; i < sent.size(); ++i)
    EXPECT_EQ(read(sent[i].first), sent[i].second)
        << "seed " << i + 1 << ": " << wire::repr(written[i].to_value(), 4'000) << "\ncame to "
        << wire::repr(read(sent[i].first), 2'000) << "\ninstead of " << wire::repr(sent[i].second, 2'000);
}

TEST(CanvasWithoutChords, IsRefusedBeforeAnythingIsSent) {
  auto on = app{config{}.broker_url("memory://canvas-rpc").result_backend("rpc://")};
  auto const sent = detail::send_canvas(*on.state(), chord({call("t.add", 1, 2)}, call("t.total")), 5s);
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, errc::not_supported);
  on.tasks().define(add, [](int x, int y) { return x + y; });
  testing::background_worker worker{on};
  auto const steps = detail::send_canvas(*on.state(), chain({call("t.add", 1, 2), call("t.add", 3)}), 5s);
  EXPECT_EQ(on.result<int>(task_id{steps.value().id}).get(10s), 6);
  EXPECT_EQ(detail::send_canvas(*on.state(), chain({}), 5s).error().code, errc::invalid_argument);
}

TEST(ChordsThatWereLeft, AreTakenOverByTheNextWorker) {
  testing::fake_clock clock;
  auto on = testing::memory_app();
  on.tasks().define(total, [](std::vector<int> const& xs) { return static_cast<int>(xs.size()); });
  auto const results = on.state()->backend(5s).value();
  ASSERT_TRUE(results->start_chords(std::vector{backend::chord_start{"g", 1, {}}}, 1h, 5s));
  auto const body = with(call("t.total"), "task_id", "body").to_value();
  std::vector const parts{backend::chord_part{"g", 0, task_id{"m"}, wire::state::success, 7}};
  auto const claimed = results->count_parts(parts, std::vector{body}, 1h, 5s);
  ASSERT_EQ(claimed.value().size(), 1U) << "the worker that has this dies now";
  clock.advance(backend::chord_claim + 1s);
  testing::background_worker worker{on};
  EXPECT_EQ(on.result<int>(task_id{"body"}).get(20s), 1);
}

TEST(ChordsThatWereLeft, CountAMemberWhoseResultIsStoredAndWhichIsNotRunAgain) {
  auto on = testing::memory_app(config{}.worker_deduplicate_successful_tasks(true));
  on.tasks().define(add, [](int, int) -> int { throw std::logic_error{"run again"}; });
  on.tasks().define(total, [](std::vector<int> const& xs) { return xs.at(0); });
  auto const results = on.state()->backend(5s).value();
  ASSERT_TRUE(results->start_chords(std::vector{backend::chord_start{"g", 1, {}}}, 1h, 5s));
  wire::result_record stored;
  stored.id = task_id{"m"};
  stored.status = wire::state::success;
  stored.result = 7;
  ASSERT_TRUE(results->store({&stored, 1}, 1h, 5s));
  auto member = with(with(call("t.add", 3, 4), "task_id", "m"), "group_id", "g");
  member.set_option("chord", with(call("t.total"), "task_id", "body").to_value());
  auto message = detail::call_of(member, {}, on.state()->publishing, system_now()).value();
  auto out = detail::outgoing_of(std::move(message)).value();
  out.envelope.headers.push_back({"redelivered", true});
  ASSERT_TRUE(on.state()->producer(5s).value()->publish({&out, 1}, 5s));
  testing::background_worker worker{on};
  EXPECT_EQ(on.result<int>(task_id{"body"}).get(20s), 7);
}

INSTANTIATE_TEST_SUITE_P(Stores, Canvas, ::testing::Values("eager", "memory", "sqlite", "redis", "rabbitmq"),
                         [](auto const& of) { return std::string{of.param}; });

}  // namespace
}  // namespace lovage::canvas_runs
