// A whole worker as monitors, hooks and other workers see it.
#include <lovage/testing.hpp>

#include "app/app_state.hpp"
#include "app/event_receiver.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr task<int(int, int)> add{"t.add", {"x", "y"}};
constexpr task<void()> flaky{"t.flaky"};

class Monitoring : public ::testing::Test {
 protected:
  Monitoring() : on{testing::memory_app(config{}.worker_send_task_events(true).task_send_sent_event(true))} {
    on.tasks().define(add, [](int x, int y) { return x + y; });
    on.tasks().define(flaky, [](context& self) {
      if (self.retries() == 0) throw self.retry(0s);
      throw std::invalid_argument{"no"};
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

  app on;
};

TEST_F(Monitoring, ATasksLifeIsToldInOrder) {
  auto const of_sender = hear("task.sent"), heard = hear("task.multi");
  testing::background_worker worker{on};
  EXPECT_EQ(on.task(add).delay(2, 3).get(10s), 5);
  EXPECT_THAT(until(*of_sender, "task-sent"), ElementsAre("task-sent"));
  EXPECT_THAT(until(*heard, "task-succeeded"), ElementsAre("task-received", "task-started", "task-succeeded"));
  EXPECT_FALSE(on.task(flaky).delay().try_get(10s));
  EXPECT_THAT(until(*heard, "task-failed"), ElementsAre("task-received", "task-started", "task-retried",
                                                        "task-received", "task-started", "task-failed"));
}

TEST_F(Monitoring, TheSenderAndTheWorkerRunTheirHooks) {
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

}  // namespace
}  // namespace lovage
