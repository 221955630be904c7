// Thousands of tasks that wait, in one worker; broker, results and sender are in the same process, and count too.
#include <lovage/coroutine.hpp>
#include <lovage/testing.hpp>

#include <gtest/gtest.h>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <fstream>
#include <future>
#include <list>

namespace lovage {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr task<int(int)> wait_for_all{"memory.wait", {"n"}};

std::size_t resident_kib() {
  std::ifstream file{"/proc/self/status"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

TEST(CoroutineMemory, FiveThousandTasksThatWaitFitInFiftyMebibytes) {
  constexpr int count = 5000;
  std::atomic<int> waiting{0};
  std::list<asio::steady_timer> timers;  // touched by the coroutines' one thread only
  auto on = testing::memory_app(config{}.task_ignore_result(true));
  on.tasks().define(wait_for_all, [&](int n) -> awaitable<int> {
    auto const executor = co_await asio::this_coro::executor;
    auto& timer = timers.emplace_back(executor, 1h);
    if (++waiting == count) waiting.notify_all();
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    --waiting;
    waiting.notify_all();
    co_return n;
  });
  auto options = worker_options{}.pool(pool_kind::coroutine).concurrency(count).prefetch_multiplier(1);
  worker w{on, options.handle_signals(false)};
  auto running = std::async(std::launch::async, [&] { return w.run(); });
  ASSERT_TRUE(w.wait_ready(deadline::in(60s)));
  auto const before = resident_kib();
  for (int i = 0; i < count; ++i) (void)on.task(wait_for_all).delay(i);

  for (int n = waiting; n != count; n = waiting) waiting.wait(n);

  auto const kib = resident_kib();
  RecordProperty("resident_kib", std::to_string(kib));
  RecordProperty("before_kib", std::to_string(before));
  std::printf("%d tasks wait: %zu KiB resident, %zu before\n", count, kib, before);
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
  EXPECT_LE(kib, 50U * 1024);
#endif
  asio::post(detail::coroutine_loop(), [&] {
    for (auto& timer : timers) timer.cancel();
  });
  w.stop();
  EXPECT_EQ(running.get(), 0);
  EXPECT_EQ(waiting, 0);
}

}  // namespace
}  // namespace lovage
