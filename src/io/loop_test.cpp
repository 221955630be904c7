#include "io/loop.hpp"

#include "core/log.hpp"
#include "io/descriptor.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace lovage::io {
namespace {

using namespace std::chrono_literals;

struct socket_pair {
  descriptor a, b;
  socket_pair() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    a.reset(fds[0]);
    b.reset(fds[1]);
  }
};

TEST(loop, calls_posted_functions_in_order_from_another_thread) {
  loop l;
  std::vector<int> seen;
  std::thread other{[&] {
    for (int i = 0; i < 1000; ++i) l.post([&seen, i] { seen.push_back(i); });
    l.post([&] { l.stop(); });
  }};

  l.run();

  other.join();
  ASSERT_EQ(seen.size(), 1000U);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(loop, stop_may_come_first_and_twice_and_restart_undoes_it) {
  loop l;
  l.stop();
  l.stop();
  l.run();
  l.restart();
  bool ran = false;
  l.post([&] {
    ran = true;
    l.stop();
  });
  l.run();
  EXPECT_TRUE(ran);
}

TEST(loop, timers_fire_once_in_the_order_of_their_times) {
  loop l;
  std::string order;
  auto c = l.after(3ms, [&] {
    order += 'c';
    l.stop();
  });
  auto a = l.after(-1s, [&] { order += 'a'; });
  auto b = l.after(1ms, [&] { order += 'b'; });

  l.run();

  EXPECT_EQ(order, "abc");
  EXPECT_FALSE(a.active());
}

TEST(loop, a_cancelled_timer_is_not_called_even_when_due) {
  loop l;
  subscription second;
  bool called = false;
  auto first = l.after(0ms, [&] { second.cancel(); });
  second = l.after(0ms, [&] { called = true; });
  auto end = l.after(2ms, [&] { l.stop(); });

  l.run();

  EXPECT_FALSE(called);
}

TEST(loop, a_timer_may_arm_its_successor_in_its_own_handle) {
  loop l;
  int ticks = 0;
  subscription timer;
  std::function<void()> tick = [&] {
    if (++ticks == 5) return l.stop();
    timer = l.after(0ms, tick);
  };
  timer = l.after(0ms, tick);

  l.run();

  EXPECT_EQ(ticks, 5);
}

TEST(loop, a_watch_goes_on_while_the_descriptor_stays_ready) {
  loop l;
  socket_pair s;
  ASSERT_EQ(::write(s.b.get(), "abc", 3), 3);
  std::string got;
  auto w = l.watch(s.a.get(), interest::readable, [&] {
    char c = 0;
    if (::read(s.a.get(), &c, 1) != 1) return l.stop();
    got += c;
    if (got.size() == 3) s.b.reset();  // the end of the stream is readable too
  });

  l.run();

  EXPECT_EQ(got, "abc");
}

TEST(loop, one_descriptor_may_be_watched_both_ways_and_cancelled_inside) {
  loop l;
  socket_pair s;
  int writable = 0, readable = 0;
  subscription w = l.watch(s.a.get(), interest::writable, [&] {
    ++writable;
    w.cancel();
    EXPECT_EQ(::write(s.b.get(), "x", 1), 1);
  });
  subscription r = l.watch(s.a.get(), interest::readable, [&] {
    ++readable;
    r.cancel();
    l.stop();
  });

  l.run();

  EXPECT_EQ(writable, 1);
  EXPECT_EQ(readable, 1);
}

TEST(loop, reports_signals_and_leaves_the_process_alive) {
  loop l;
  int got = 0;
  auto s = l.signals({SIGUSR1, SIGTERM}, [&](int number) {
    got = number;
    l.stop();
  });

  ::raise(SIGTERM);
  l.run();

  EXPECT_EQ(got, SIGTERM);
}

TEST(loop, goes_on_after_a_callback_that_throws) {
  std::string text;
  log::set_sink([&](log::level, std::string_view t, auto) { text = t; }, log::level::critical);
  loop l;
  l.post([] { throw std::runtime_error{"oops"}; });
  l.post([&] { l.stop(); });

  l.run();

  log::set_sink({}, log::level::critical);
  EXPECT_EQ(text, "io: a callback threw: oops");
}

}  // namespace
}  // namespace lovage::io
