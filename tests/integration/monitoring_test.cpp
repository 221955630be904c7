// A whole worker as monitors, hooks and other workers see it.
#include <lovage/testing.hpp>

#include "app/app_state.hpp"
#include "app/event_receiver.hpp"

#include "broker_place.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr task<int(int, int)> add{"t.add", {"x", "y"}};
constexpr task<void()> flaky{"t.flaky"};
constexpr task<void()> telling{"t.telling"};

class Monitoring : public ::testing::TestWithParam<char const*> {
 protected:
  Monitoring()
      : on{config{}
               .broker_url(place.broker_url())
               .result_backend(place.result_backend())
               .worker_send_task_events(true)
               .task_send_sent_event(true)} {
    on.tasks().define(add, [](int x, int y) { return x + y; });
    on.tasks().define(flaky, [](context& self) {
      if (self.retries() == 0) throw self.retry(0s);
      throw std::invalid_argument{"no"};
    });
    on.tasks().define(telling, [](context& self) {
      self.send_event("task-progress", {{"done", 12}});
      self.send_event("order-packed", {{"uuid", "another"}, {"items", value::list{"tea"}}});
    });
  }
  std::unique_ptr<detail::event_receiver> hear(char const* pattern) {
    return detail::event_receiver::open(*on.state(), pattern, deadline::in(10s)).value();
  }
  /// Types of the task's events, up to the last one.
  static std::vector<std::string> until(detail::event_receiver& from, std::string const& last) {
    std::vector<std::string> out;
    for (auto const limit = deadline::in(20s); !limit.passed();)
      for (auto const& e : from.take(limit).value()) {
        out.push_back(e.type);
        if (e.type == last) return out;
      }
    return out;
  }

  testing::broker_place place{GetParam()};
  app on;
};

TEST_P(Monitoring, ATasksLifeIsToldInOrder) {
  auto const of_sender = hear("task.sent"), heard = hear("task.multi");
  testing::background_worker worker{on};
  EXPECT_EQ(on.task(add).delay(2, 3).get(10s), 5);
  EXPECT_THAT(until(*of_sender, "task-sent"), ElementsAre("task-sent"));
  EXPECT_THAT(until(*heard, "task-succeeded"), ElementsAre("task-received", "task-started", "task-succeeded"));
  EXPECT_FALSE(on.task(flaky).delay().try_get(10s));
  EXPECT_THAT(until(*heard, "task-failed"), ElementsAre("task-received", "task-started", "task-retried",
                                                        "task-received", "task-started", "task-failed"));
}

TEST_P(Monitoring, TheSenderAndTheWorkerRunTheirHooks) {
  std::mutex mutex;
  std::vector<std::string> said;
  auto const say = [&](std::string what) {
    std::lock_guard const lock{mutex};
    said.push_back(std::move(what));
  };
  on.tasks().extend([&](library& lib) {
    lib.on_worker_init([&](value::map const&) { say("init"); });
    lib.on_worker_ready([&](value::map const&) { say("ready"); });
    lib.on_worker_shutdown([&](value::map const&) { say("shutdown"); });
    lib.on_task_prerun([&](context& c) { say("prerun " + *c.header("tag").get_if<std::string>()); });
    lib.on_task_revoked(
        [&](value::map const& facts) { say("revoked " + *find(facts, "task")->get_if<std::string>()); });
  });
  on.before_publish([](raw_call& c) { c.options.headers_.push_back({"tag", "x"}); });
  on.before_publish([](raw_call&) { throw std::runtime_error{"logged"}; });
  on.after_publish([&](std::string const& task, task_id const& id) { say("sent " + task + (id.empty() ? "?" : "")); });
  {
    testing::background_worker worker{on};
    EXPECT_EQ(on.task(add).delay(2, 3).get(10s), 5);
    EXPECT_FALSE(on.send(add.s(2, 3).expires(-1s)).try_get(10s));
  }
  std::vector<std::string> const all{"init",       "ready",         "sent t.add", "prerun x",
                                     "sent t.add", "revoked t.add", "shutdown"};
  EXPECT_THAT(said, ::testing::UnorderedElementsAreArray(all));
}

TEST_P(Monitoring, ABodysOwnEventsComeAmongThoseOfItsTask) {
  auto const of_tasks = hear("task.multi"), others = hear("order.#");
  testing::background_worker worker{on};
  auto const sent = on.task(telling).delay();
  EXPECT_THAT(until(*of_tasks, "task-succeeded"),
              ElementsAre("task-received", "task-started", "task-progress", "task-succeeded"));
  auto const packed = others->take(deadline::in(20s)).value();
  ASSERT_EQ(packed.size(), 1U);
  EXPECT_EQ(packed[0].type, "order-packed");
  EXPECT_THAT(packed[0].hostname, ::testing::StartsWith("celery@"));
  EXPECT_TRUE(packed[0].clock && packed[0].timestamp && packed[0].pid);
  EXPECT_EQ(packed[0].fields, (value::map{{"uuid", sent.id().str()}, {"items", value::list{"tea"}}}));
}

INSTANTIATE_TEST_SUITE_P(Brokers, Monitoring, ::testing::ValuesIn(testing::every_broker),
                         [](auto const& of) { return std::string{of.param}; });

}  // namespace
}  // namespace lovage
