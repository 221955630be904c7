// Waiting for what nobody tells: a worker's thread, another process, a server.
#pragma once

#include <lovage/deadline.hpp>

#include <chrono>
#include <thread>

namespace lovage::testing {

/// Asks every few milliseconds, without taking the processor from whom it waits for; false at the deadline.
template <class Predicate>
[[nodiscard]] bool eventually(Predicate&& holds, deadline until = deadline::in(std::chrono::seconds{20})) {
  while (!holds()) {
    if (until.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

}  // namespace lovage::testing
