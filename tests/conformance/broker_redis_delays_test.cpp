// Messages that wait: in a sorted set of the server, not in a worker.
#include "broker_redis_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>

namespace lovage::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class RedisDelays : public RedisBroker {
 protected:
  void SetUp() override { open(here()); }
  /// With a clock that `advance` puts forward.
  [[nodiscard]] settings here(value::map options = {}) const {
    auto with = RedisBroker::here(std::move(options));
    with.now = [this] { return now(); };
    return with;
  }
  [[nodiscard]] time_point now() const { return system_now() + std::chrono::seconds{ahead_.load()}; }
  void advance(std::chrono::seconds by) { ahead_ += by.count(); }
  [[nodiscard]] outgoing later(std::string body, std::chrono::seconds in = 1h) const {
    auto out = message(std::move(body));
    out.due = now() + in;
    return out;
  }

 private:
  std::atomic<std::int64_t> ahead_{0};
};

TEST_F(RedisDelays, WaitInASortedSetByTheTimeTheyAreDue) {
  auto const from = consume();
  auto const m = later("a");
  send({m});
  EXPECT_EQ(number({"LLEN", "q"}), 0);
  auto const waiting = ask({"ZRANGE", "lovage.delayed", "0", "-1", "WITHSCORES"}).items;
  ASSERT_EQ(waiting.size(), 2U);
  EXPECT_EQ(waiting[1].text, std::to_string(m.due->time_since_epoch().count()));
  expect_nothing(*from);
  advance(2h);
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
  EXPECT_EQ(number({"EXISTS", "lovage.delayed"}), 0);
}

TEST_F(RedisDelays, SurviveARestartOfTheServerAndComeOnce) {
  send({later("a", 1h), later("b", 2h), later("c", 3h), message("now")});
  server_.restart();
  auto const from = consume(), other = consume();
  EXPECT_THAT(bodies(*from, 1), ElementsAre("now"));
  advance(90min);
  EXPECT_THAT(bodies(*from, 1), ElementsAre("a"));
  advance(2h);
  server_.restart();
  auto got = bodies(*from, 1);
  for (auto const& body : bodies(*other, 1)) got.push_back(body);
  EXPECT_THAT(got, UnorderedElementsAre("b", "c")) << "due while the server was away";
  expect_nothing(*from);
  expect_nothing(*other);
  EXPECT_EQ(number({"EXISTS", "lovage.delayed"}), 0);
}

TEST_F(RedisDelays, AreTakenUpByEveryWorkerAndComeOnce) {
  std::vector<outgoing> all;
  for (int i = 0; i < 500; ++i) all.push_back(later(std::to_string(i), 1h));
  send(all);
  advance(2h);
  std::vector<std::thread> workers;
  std::array<std::vector<std::string>, 3> got;
  for (auto& mine : got)
    workers.emplace_back([&] {
      auto const from = consume();
      for (std::vector<delivery> some; !(some = from->claim(7, 300ms).value()).empty(); settle(*from, some))
        for (auto const& d : some) mine.push_back(d.envelope.body);
    });
  for (auto& w : workers) w.join();
  std::multiset<std::string> seen;
  for (auto const& mine : got) seen.insert(mine.begin(), mine.end());
  EXPECT_EQ(seen.size(), all.size());
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), all.size());
}

// Python holds them in its worker, under the visibility timeout; nothing in the message tells that it is not due but
// its header.
TEST_F(RedisDelays, OfPythonsAreTakenOutOfTheWorkerWhenTheyArrive) {
  auto m = message("a");
  m.envelope.headers = value::map{{"eta", "2999-01-01T00:00:00+00:00"}};
  send({m, message("b")});
  auto const from = consume();
  EXPECT_THAT(bodies(*from, 2, 300ms), ElementsAre("b"));
  EXPECT_EQ(number({"ZCARD", "lovage.delayed"}), 1);
  EXPECT_EQ(number({"HLEN", "unacked"}), 1);
}

TEST_F(RedisDelays, WakeASleepingWorkerWithoutPolling) {
  auto const from = consume();
  expect_nothing(*from);
  auto const soon = now() + 400ms;
  auto m = message("soon");
  m.due = soon;
  send({m});
  forget_calls();
  EXPECT_THAT(bodies(*from, 1), ElementsAre("soon"));
  EXPECT_GE(now(), soon);
  EXPECT_LT(now(), soon + 2s);
  EXPECT_LE(calls()["evalsha"], 5);
}

}  // namespace
}  // namespace lovage::broker
