// Hooks and middleware around the coroutine tasks of a real worker.
#include <lovage/coroutine.hpp>
#include <lovage/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/steady_timer.hpp>

#include <condition_variable>
#include <future>
#include <mutex>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
namespace asio = boost::asio;

constexpr task<int(int)> pause_for{"hooked.pause", {"ms"}};

class HookedCoroutines : public ::testing::Test {
 protected:
  HookedCoroutines() : on{testing::memory_app()} {
    on.tasks().define(pause_for, [](int ms) -> awaitable<int> {
      auto const executor = co_await asio::this_coro::executor;
      asio::steady_timer timer{executor, std::chrono::milliseconds{ms}};
      co_await timer.async_wait(asio::use_awaitable);
      co_return ms;
    });
    on.tasks().extend([this](library& lib) {
      lib.on_task_prerun([this](context&) { say("prerun"); });
      lib.on_task_postrun([this](context&, std::string const& state) { say("postrun " + state); });
      lib.around([this](context&, next_step const& next) {
        say("in");
        say(next() == LOVAGE_SUCCESS ? "out" : "failed");
      });
    });
    auto options = worker_options{}.pool(pool_kind::coroutine).concurrency(100).handle_signals(false);
    w = std::make_unique<worker>(on, options);
    running = std::async(std::launch::async, [this] { return w->run(); });
    EXPECT_TRUE(w->wait_ready(deadline::in(60s)));
  }
  ~HookedCoroutines() override { end(); }
  void end() {
    w->stop();
    if (!running.valid()) return;
    EXPECT_EQ(running.get(), 0);
  }
  void say(std::string what) {
    std::lock_guard const lock{m};
    said.push_back(std::move(what));
    news.notify_all();
  }
  void wait_for(std::string const& what) {
    std::unique_lock lock{m};
    EXPECT_TRUE(news.wait_for(lock, 60s, [&] { return std::count(said.begin(), said.end(), what) > 0; })) << what;
  }

  app on;
  std::unique_ptr<worker> w;
  std::future<int> running;
  std::mutex m;
  std::condition_variable news;
  std::vector<std::string> said;
};

TEST_F(HookedCoroutines, HearOfATaskInOrder) {
  EXPECT_EQ(on.task(pause_for).delay(1).get(60s), 1);
  EXPECT_THAT(said, ElementsAre("prerun", "in", "out", "postrun SUCCESS"));
}

TEST_F(HookedCoroutines, WaitForAHundredTasksSideBySide) {
  std::vector<async_result<int>> all;
  for (int i = 0; i < 100; ++i) all.push_back(on.task(pause_for).delay(300));
  for (auto const& r : all) EXPECT_EQ(r.get(60s), 300);
  auto const first_out = std::find(said.begin(), said.end(), "out");
  EXPECT_GT(std::count(said.begin(), first_out, "in"), 1) << "one after the other";
  EXPECT_EQ(std::count(said.begin(), said.end(), "postrun SUCCESS"), 100);
}

TEST_F(HookedCoroutines, HearOfASoftLimit) {
  auto const r = on.send(pause_for.s(3'600'000).options(call_options{}.soft_time_limit(100ms)));
  EXPECT_THROW((void)r.get(60s), task_failed);
  EXPECT_THAT(said, ElementsAre("prerun", "in", "failed", "postrun FAILURE"));
}

TEST_F(HookedCoroutines, HearOfATaskThatIsRevokedWhileItRuns) {
  auto const r = on.task(pause_for).delay(3'600'000);
  wait_for("in");
  r.revoke(true);
  try {
    (void)r.get(60s);
    ADD_FAILURE() << "not revoked";
  } catch (error const& e) {
    EXPECT_EQ(e.code(), errc::revoked) << e.what();
  }
  EXPECT_THAT(said, ElementsAre("prerun", "in", "failed", "postrun FAILURE"));
}

TEST_F(HookedCoroutines, AreWaitedForByAWarmShutdown) {
  (void)on.task(pause_for).delay(200);
  wait_for("in");
  end();
  EXPECT_THAT(said, ElementsAre("prerun", "in", "out", "postrun SUCCESS"));
}

}  // namespace
}  // namespace lovage
