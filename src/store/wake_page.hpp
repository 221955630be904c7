// Waking sleepers in any process: one shared page of counters, and the kernel's futex on them.
//
//   writer: commit, then ring(word)          sleeper: seen = count(word), look, wait(word while count == seen)
//
// Kernels before 5.16 and some sandboxes know no wait on several words (futex_waitv): there everybody sleeps on one
// word that every ring moves, and looks again more often than needed.
//
// A counter is rung after the commit it tells of, and read before looking: nothing is missed. Rings cost a system call
// only while somebody sleeps on that counter.
#pragma once

#include <lovage/deadline.hpp>

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::store {

/// Lets one thread of this process be woken by another, beside the page's counters.
class interrupter {
 public:
  void interrupt() noexcept;
  /// True once per interrupt; clears it.
  [[nodiscard]] bool take() noexcept { return word_.exchange(0) != 0; }

 private:
  friend class wake_page;
  std::atomic<std::uint32_t> word_{0};
  std::atomic<std::atomic<std::uint32_t>*> bell_{nullptr};  ///< where its thread sleeps when it can on one word only
};

class wake_page {
 public:
  static constexpr std::uint32_t words = 64;  ///< per kind; a futex wait takes at most 128 words

  /// Maps `path`, made when missing. Throws `sql_failure`.
  wake_page(std::string const& path, ::mode_t mode);
  ~wake_page();
  wake_page(wake_page const&) = delete;
  wake_page& operator=(wake_page const&) = delete;

  [[nodiscard]] static std::uint32_t queue_word(std::string_view queue) noexcept;
  [[nodiscard]] static std::uint32_t result_word(std::string_view task_id) noexcept;

  void ring(std::uint32_t word) noexcept;
  void ring_queues() noexcept;  ///< all of them

  struct seen {
    std::uint32_t word, count;
  };
  [[nodiscard]] std::vector<seen> look(std::span<std::uint32_t const> words) const;
  /// Sleeps until one of the counters moved, the interrupter was called, or the deadline. May return early.
  void wait(std::span<seen const> on, interrupter& also, deadline until) noexcept;

  /// For tests: this process waits as on a kernel without futex_waitv.
  static void use_one_word(bool yes) noexcept;

 private:
  struct page;
  [[nodiscard]] bool moved(std::span<seen const> on) const noexcept;
  void wait_for_any(std::span<seen const> on, interrupter& also, deadline until) noexcept;
  page* page_;
};

}  // namespace lovage::store
