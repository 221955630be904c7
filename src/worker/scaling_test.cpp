#include "worker/scaling.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace lovage::work {
namespace {

TEST(cpu_meter, counts_what_processes_used_even_those_that_are_gone) {
  cpu_meter meter;
  int const child = ::fork();
  if (child == 0) {
    for (;;) {
    }
  }
  while (meter.total({child}) < 0.05) {
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);

  EXPECT_GE(meter.total({}), 0.05);
}

TEST(cpu_meter, counts_this_process) {
  cpu_meter meter;
  while (meter.total({::getpid()}) < 0.02) {
  }
  EXPECT_GE(meter.total({::getpid()}), 0.02);
}

}  // namespace
}  // namespace lovage::work
