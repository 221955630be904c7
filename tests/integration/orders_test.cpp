// What a running consumer is told from outside: queues, rates and time limits.
#include <lovage/app.hpp>

#include "eventually.hpp"
#include "worker/connecting.hpp"
#include "worker/consumer.hpp"
#include "worker/job_codec.hpp"
#include "worker/plan.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::SizeIs;

constexpr task<void(std::string)> note{"t.note", {"what"}};

class Orders : public ::testing::Test {
 protected:
  Orders() : on{config{}.broker_url(url()).result_backend(url())} {
    on.tasks().define(note, [this](std::string const& what) {
      std::lock_guard const lock{mutex};
      noted.push_back(what);
      changed.notify_all();
    });
    auto& state = *on.state();
    auto const plan = make_plan(state, worker_options{}.pool(pool_kind::threads).concurrency(1).queues({"q"}));
    source = std::make_unique<consumer>(make_policy(state, plan, *jobs), *jobs, make_consumer_options(state, plan));
    auto run = make_runner(state.tasks.internals(), [this](std::uint64_t job) { source->on_started(job); });
    jobs->start({1, std::move(run), [this](auto&& events) { source->on_events(std::move(events)); }}).value();
    source->attach(connect(state, plan.of_consumer(), 5s).made.value());
    source->start();
  }
  ~Orders() override {
    (void)source->drain(10s);
    (void)jobs->stop(10s);
    source->close();
  }
  static std::string url() {
    return std::string{"memory://orders-"} + ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  template <class F>
  auto told(F&& what) {
    std::optional<decltype(what())> out;
    EXPECT_TRUE(source->call([&] { out = what(); }, 10s));
    return *out;
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock{mutex};
    EXPECT_TRUE(changed.wait_for(lock, 20s, [&] { return noted.size() >= count; }));
    return noted;
  }
  static broker::queue_spec plain(std::string name) {
    broker::queue_spec q;
    q.exchange = q.routing_key = name;
    q.name = queue_name{std::move(name)};
    return q;
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> noted;
  app on;
  std::unique_ptr<pool::pool> jobs = pool::make_threads();
  std::unique_ptr<consumer> source;
};

TEST_F(Orders, a_queue_is_taken_and_left_again) {
  on.send(note.s("late").queue("late"));
  ASSERT_TRUE(told([&] { return source->add_queue(plain("late")); }));
  EXPECT_THAT(wait_for(1), ElementsAre("late"));
  EXPECT_THAT(told([&] { return source->queues(); }), SizeIs(2));
  ASSERT_TRUE(told([&] { return source->cancel_queue(queue_name{"late"}); }));
  EXPECT_EQ(told([&] { return source->cancel_queue(queue_name{"late"}); }).error().code, errc::invalid_argument);
  on.send(note.s("nobody").queue("late"));
  on.send(note.s("mine").queue("q"));
  EXPECT_THAT(wait_for(2), ElementsAre("late", "mine"));
}

TEST_F(Orders, a_rate_limit_is_set_and_lifted_while_tasks_wait_for_it) {
  ASSERT_TRUE(told([&] { return source->set_rate_limit("t.note", "1/h"); }));
  on.send(note.s("first").queue("q"));
  on.send(note.s("second").queue("q"));
  EXPECT_THAT(wait_for(1), ElementsAre("first"));
  EXPECT_TRUE(testing::eventually([&] {
    auto const held = source->tasks(10s).value();
    return held.size() == 1 && held[0].phase == task_phase::scheduled;
  }));
  ASSERT_TRUE(told([&] { return source->set_rate_limit("t.note", "0"); }));
  EXPECT_THAT(wait_for(2), ElementsAre("first", "second"));
}

TEST_F(Orders, what_waits_for_its_rate_goes_back_when_the_worker_ends) {
  ASSERT_TRUE(told([&] { return source->set_rate_limit("t.note", "1/h"); }));
  on.send(note.s("first").queue("q"));
  on.send(note.s("second").queue("q"));
  (void)wait_for(1);
  EXPECT_TRUE(testing::eventually([&] { return source->tasks(10s).value().size() == 1; }));
  EXPECT_TRUE(source->drain(10s));
  auto const look = on.state()->transport(5s).value()->make_inspector(5s).value();
  EXPECT_THAT(look->queues().value(), ElementsAre(Field(&broker::queue_info::ready, 1U)));
}

TEST_F(Orders, what_waits_for_its_rate_is_dropped_when_it_is_revoked) {
  ASSERT_TRUE(told([&] { return source->set_rate_limit("t.note", "1/h"); }));
  on.send(note.s("first").queue("q"));
  (void)wait_for(1);
  auto const second = on.send(note.s("second").queue("q"));
  EXPECT_TRUE(testing::eventually([&] { return source->tasks(10s).value().size() == 1; }));
  std::vector<task_id> const ids{second.id()};
  source->revoked()->revoke(ids, on.state()->now());
  (void)told([] { return 0; });  // its thread comes round
  EXPECT_TRUE(second.wait(10s));
  EXPECT_EQ(second.state(), "REVOKED");
}

TEST_F(Orders, nonsense_is_refused) {
  EXPECT_EQ(told([&] { return source->set_rate_limit("t.unknown", "1/s"); }).error().code, errc::invalid_argument);
  EXPECT_EQ(told([&] { return source->set_rate_limit("t.note", "often"); }).error().code, errc::invalid_argument);
  EXPECT_EQ(told([&] { return source->set_time_limits("t.unknown", 0, 1); }).error().code, errc::invalid_argument);
  EXPECT_EQ(told([&] { return source->set_time_limits("t.note", 1, 0); }).error().code, errc::not_supported);
  EXPECT_TRUE(told([&] { return source->set_time_limits("t.note", 0, 1); }));
}

}  // namespace
}  // namespace lovage::work
