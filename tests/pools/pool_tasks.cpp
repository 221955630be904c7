#include "limit_marks.hpp"

#include <lovage/coroutine.hpp>
#include <lovage/plugin.hpp>

#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <thread>

namespace {

namespace asio = boost::asio;

constexpr lovage::task<int()> pid{"pools.pid"};
constexpr lovage::task<void(double)> sleep_for{"pools.sleep", {"seconds"}};
constexpr lovage::task<void()> spin{"pools.spin"};
constexpr lovage::task<int(double)> wait_for{"pools.wait", {"seconds"}};
constexpr lovage::task<void(double)> block{"pools.block", {"seconds"}};
constexpr lovage::task<std::string(double)> tidy{"pools.tidy", {"seconds"}};
constexpr lovage::task<int()> tell{"pools.tell"};
constexpr lovage::task<int()> tell_waiting{"pools.tell_waiting"};
constexpr lovage::task<int(int)> keep{"pools.keep", {"mib"}};
constexpr lovage::task<void(std::string, std::string)> run_over{"limits.run", {"file", "how"}};
constexpr lovage::task<void(std::string, std::string)> run_over_soft{"limits.soft", {"file", "how"}};
constexpr lovage::task<void(std::string, std::string)> await_over{"limits.await", {"file", "how"}};

std::chrono::nanoseconds time_of(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>{seconds});
}

/// Runs until its limit, and writes down when it saw it: at one of lovage's waits, by asking, or not at all.
void to_its_limit(lovage::context& self, std::string const& file, std::string const& how) {
  marks::begin(file);
  while (how == "spin") std::this_thread::yield();
  if (how == "deaf") std::this_thread::sleep_for(std::chrono::hours{1});
  try {
    if (how == "sleep") self.sleep_for(std::chrono::hours{1});
    while (!self.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    marks::write(file, "asked");
  } catch (lovage::soft_time_limit_exceeded const&) {
    marks::write(file, "thrown");
  }
}

lovage::awaitable<void> await_its_limit(std::string file, std::string) {
  auto const executor = co_await asio::this_coro::executor;
  asio::steady_timer timer{executor, std::chrono::hours{1}};
  marks::begin(file);
  try {
    co_await timer.async_wait(asio::use_awaitable);
  } catch (boost::system::system_error const&) {
    marks::write(file, "cancelled");
  }
}

}  // namespace

LOVAGE_PLUGIN(lib) {
  lib.define(pid, [] { return static_cast<int>(::getpid()); });
  lib.define(sleep_for, [](lovage::context& self, double seconds) { self.sleep_for(time_of(seconds)); });
  lib.define(spin, [] {
    for (;;) std::this_thread::yield();
  });
  lib.define(wait_for, [](double seconds) -> lovage::awaitable<int> {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, time_of(seconds)};
    co_await timer.async_wait(asio::use_awaitable);
    co_return 1;
  });
  lib.define(block, [](double seconds) -> lovage::awaitable<void> {
    std::this_thread::sleep_for(time_of(seconds));
    co_return;
  });
  lib.define(tidy, [](lovage::context& self, double seconds) -> std::string {
    try {
      self.sleep_for(time_of(seconds));
    } catch (lovage::soft_time_limit_exceeded const&) {
      return "tidied up";
    }
    return "slept";
  });
  lib.define(tell, [](lovage::context& self) {
    self.send_event("task-progress", {{"done", 12}, {"of", "thirty"}});
    return 1;
  });
  lib.define(tell_waiting, [](lovage::context& self) -> lovage::awaitable<int> {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, std::chrono::milliseconds{1}};
    co_await timer.async_wait(asio::use_awaitable);
    self.send_event("task-progress", {{"done", 13}});
    co_return 1;
  });
  lib.define(run_over, to_its_limit);
  lib.define(run_over_soft, to_its_limit, lovage::limits{}.soft_time_limit(std::chrono::milliseconds{500}));
  lib.define(await_over, await_its_limit);
  lib.define(keep, [](int mib) {
    static std::string kept;
    kept.assign(static_cast<std::size_t>(mib) << 20, 'x');
    return static_cast<int>(::getpid());
  });
}
