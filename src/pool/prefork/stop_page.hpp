// Shared memory through which the worker asks children to end their job: one flag per child, no system call to read.
#pragma once

#include "io/descriptor.hpp"

#include <lovage/expected.hpp>

#include <atomic>
#include <cstddef>

namespace lovage::pool {

class stop_page {
 public:
  /// True while the child's present job shall end. The worker clears it before it writes the next job.
  struct alignas(64) cell {
    std::atomic<bool> stop{false};
  };
  static_assert(std::atomic<bool>::is_always_lock_free);

  stop_page() = default;
  stop_page(stop_page&& other) noexcept;
  stop_page& operator=(stop_page&& other) noexcept;
  ~stop_page();

  static expected<stop_page> create(std::size_t cells);
  /// Maps what `create` made in another process.
  static expected<stop_page> open(int fd);

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return cells_; }
  [[nodiscard]] cell& operator[](std::size_t i) const noexcept { return at_[i]; }

 private:
  static expected<stop_page> map(io::descriptor fd, std::size_t cells);
  io::descriptor fd_;
  cell* at_ = nullptr;
  std::size_t cells_ = 0;
};

}  // namespace lovage::pool
