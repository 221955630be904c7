#include "io/process.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace lovage::io {
namespace {

using namespace std::chrono_literals;

program shell(std::string script) {
  return {.file = "/bin/sh", .argv = {"sh", "-c", std::move(script)}, .env = {"GREETING=hello"}, .descriptors = {}};
}

struct duct {
  descriptor out, in;
  duct() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    out.reset(fds[0]);
    in.reset(fds[1]);
  }
  std::string read_all() {
    in.reset();
    std::string all(4096, '\0');
    auto const n = ::read(out.get(), all.data(), all.size());
    all.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return all;
  }
};

TEST(process, tells_exit_status_and_signal_apart) {
  auto three = spawn(shell("exit 3")).value();
  auto killed = spawn(shell("kill -SEGV $$")).value();

  EXPECT_EQ(three.wait(10s)->text(), "exit status 3");
  EXPECT_EQ(killed.wait(deadline::never())->text(), "signal 11 (SIGSEGV)");
  EXPECT_EQ(three.wait(deadline::now())->text(), "exit status 3");  // again, though reaped
}

TEST(process, wait_gives_up_at_the_deadline) {
  duct d;
  auto what = shell("read line <&3");
  what.descriptors = {{d.out.get(), 3}};
  auto p = spawn(what).value();

  EXPECT_FALSE(p.wait(deadline::now()));
  EXPECT_FALSE(p.wait(1ms));
  p.signal(SIGKILL);

  EXPECT_TRUE(p.wait(10s)->by_signal(SIGKILL));
  EXPECT_FALSE(p.running());
}

TEST(process, passes_environment_and_named_descriptors_and_no_others) {
  duct d;
  int const leak = ::dup(d.in.get());  // without CLOEXEC
  auto what = shell("{ echo $GREETING; ls /proc/self/fd; } >&3 2>/dev/null");
  what.descriptors = {{d.in.get(), 3}};
  auto p = spawn(what).value();
  ASSERT_TRUE(p.wait(10s));
  ::close(leak);

  // 0, 1, 2, 3 and the directory that ls reads
  EXPECT_EQ(d.read_all(), "hello\n0\n1\n2\n3\n4\n");
}

TEST(process, says_why_a_program_cannot_be_started) {
  auto p = spawn({.file = "/nonexistent/program", .argv = {"x"}, .env = {}, .descriptors = {}});

  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().text(), "cannot start a program: No such file or directory (/nonexistent/program)");
}

}  // namespace
}  // namespace lovage::io
