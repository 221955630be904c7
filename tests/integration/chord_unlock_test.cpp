// Containers and chords as Python's and old clients send them: as tasks.
#include <lovage/app.hpp>
#include <lovage/signature_value.hpp>
#include <lovage/testing.hpp>

#include "broker_place.hpp"
#include "core/log.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace lovage {
namespace {

using namespace std::chrono_literals;

constexpr task<int(int, int)> plus{"u.plus", {"x", "y"}};
constexpr task<int(int)> held{"u.held", {"x"}};
constexpr task<int(std::vector<int>)> sum_up{"u.sum_up", {"xs"}};

class SentAsTasks : public ::testing::TestWithParam<char const*> {
 protected:
  SentAsTasks() : on{config{}.broker_url(place.broker_url()).result_backend(place.result_backend())} {
    log::set_sink({}, log::level::critical);
    on.tasks().define(plus, [](int x, int y) { return x + y; });
    on.tasks().define(held, [this](int x) {
      std::unique_lock lock{mutex};
      changed.wait_for(lock, 20s, [this] { return open; });
      return x;
    });
    on.tasks().define(sum_up, [](std::vector<int> const& xs) {
      int sum = 0;
      for (auto const x : xs) sum += x;
      return sum;
    });
  }
  ~SentAsTasks() override { log::set_sink({}, log::level::info); }
  static value handle(async_result<int> const& of) { return value::list{value::list{of.id().str(), value{}}, value{}}; }
  /// As Celery's clients send it, with a shorter interval.
  async_result<int> unlock(std::vector<async_result<int>> const& members) {
    value::list handles;
    for (auto const& m : members) handles.push_back(handle(m));
    task_id const body{random_uuid().str()};
    auto const callback = detail::step_value(sum_up.s().id(body));
    (void)on.send_named("celery.chord_unlock", {random_uuid().str(), callback},
                        {{"interval", 0.05}, {"max_retries", value{}}, {"result", std::move(handles)}});
    return on.result<int>(body);
  }

  testing::broker_place place{GetParam()};
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  app on;
};

TEST_P(SentAsTasks, a_chord_that_is_asked_after_ends_when_its_members_have) {
  testing::background_worker const worker{on, 2};
  auto const body = unlock({on.send(plus.s(1, 2)), on.send(held.s(4))});
  EXPECT_FALSE(body.try_get(300ms)) << "one of them runs";
  {
    std::lock_guard const lock{mutex};
    open = true;
    changed.notify_all();
  }
  EXPECT_EQ(body.get(20s), 7);
}

TEST_P(SentAsTasks, a_chord_that_is_asked_after_fails_with_its_members) {
  testing::background_worker const worker{on, 2};
  auto const bad = on.send_named("u.unknown", {});
  auto const why = unlock({on.send(plus.s(1, 2)), on.result<int>(bad.id())}).try_get(20s);
  ASSERT_FALSE(why);
  EXPECT_NE(why.error().text().find("Dependency " + bad.id().str()), std::string::npos) << why.error().text();
}

TEST_P(SentAsTasks, containers_run_what_they_hold_in_their_place) {
  testing::background_worker const worker{on, 2};
  value::list const header{detail::step_value(plus.s(1, 2)), detail::step_value(plus.s(3, 4))};
  EXPECT_EQ(on.send_named("celery.chord", {header, detail::step_value(sum_up.s())}).get(20s), value{10});
  EXPECT_EQ(on.send_named("celery.group", {header, value{}, random_uuid().str(), value::list{}}).get(20s),
            (value{value::list{3, 7}}));
  value::list const steps{detail::step_value(plus.s(1, 2)), detail::step_value(plus.s(5))};
  EXPECT_EQ(on.send_named("celery.chain", {}, {{"tasks", steps}}).get(20s), value{8});
  EXPECT_FALSE(on.send_named("celery.chord", {}).try_get(20s));
}

INSTANTIATE_TEST_SUITE_P(Brokers, SentAsTasks, ::testing::Values("memory", "sqlite", "redis"),
                         [](auto const& of) { return std::string{of.param}; });

}  // namespace
}  // namespace lovage
