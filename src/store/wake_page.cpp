#include "store/wake_page.hpp"

#include "store/database.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <functional>
#include <thread>

namespace lovage::store {

using counter = std::atomic<std::uint32_t>;
static_assert(counter::is_always_lock_free && sizeof(counter) == 4);

struct wake_page::page {
  std::array<counter, 2 * words> counts;    ///< queues, then results
  std::array<counter, 2 * words> sleepers;  ///< too high after a sleeper was killed: costs a system call, no more
  counter any_count, any_sleepers;          ///< the same for those who can wait on one word only
};

namespace {

std::atomic<bool> no_waitv{false};  // found out at the first wait

long futex(counter* word, int op, std::uint32_t value) noexcept {
  return ::syscall(SYS_futex, word, op, value, nullptr, nullptr, 0);
}

std::uint32_t hash_to(std::string_view text, std::uint32_t range) noexcept {
  std::uint32_t h = 2166136261U;  // FNV-1a: the same in every process and build, unlike std::hash
  for (char const c : text) h = (h ^ static_cast<std::uint8_t>(c)) * 16777619U;
  return h % range;
}

// clock_gettime's monotonic clock is what steady_clock reads.
::timespec absolute(deadline until) noexcept {
  auto const ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until.when().time_since_epoch()).count();
  return {static_cast<::time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

}  // namespace

void interrupter::interrupt() noexcept {
  if (word_.exchange(1) != 0) return;
  futex(&word_, FUTEX_WAKE, INT_MAX);
  if (auto* bell = bell_.load()) {
    bell->fetch_add(1);
    futex(bell, FUTEX_WAKE, INT_MAX);
  }
}

wake_page::wake_page(std::string const& path, ::mode_t mode) {
  auto const refuse = [&](char const* what) {
    auto const code = errno == ENOSPC ? errc::no_space : errc::unavailable;
    throw sql_failure{{code, std::string{what} + ": " + std::strerror(errno), path}};
  };
  int const fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode);
  if (fd < 0) refuse("cannot open the wake page");
  (void)::fchmod(fd, mode);  // its maker's umask must not lock others out; for the others this fails, as it may
  // Blocks now: a page that finds no room when it is written first would be a SIGBUS.
  if (int const code = ::posix_fallocate(fd, 0, sizeof(page)); code != 0) {
    ::close(fd);
    errno = code;
    refuse("cannot make room for the wake page");
  }
  void* at = ::mmap(nullptr, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED) refuse("cannot map the wake page");
  page_ = static_cast<page*>(at);
}

wake_page::~wake_page() { ::munmap(page_, sizeof(page)); }

std::uint32_t wake_page::queue_word(std::string_view queue) noexcept { return hash_to(queue, words); }
std::uint32_t wake_page::result_word(std::string_view id) noexcept { return words + hash_to(id, words); }

void wake_page::ring(std::uint32_t word) noexcept {
  page_->counts[word].fetch_add(1);
  if (page_->sleepers[word].load() != 0) futex(&page_->counts[word], FUTEX_WAKE, INT_MAX);
  if (page_->any_sleepers.load() == 0) return;
  page_->any_count.fetch_add(1);
  futex(&page_->any_count, FUTEX_WAKE, INT_MAX);
}

void wake_page::ring_queues() noexcept {
  for (std::uint32_t w = 0; w < words; ++w) ring(w);
}

std::vector<wake_page::seen> wake_page::look(std::span<std::uint32_t const> on) const {
  std::vector<seen> out;
  for (auto const w : on) out.push_back({w, page_->counts[w].load()});
  return out;
}

bool wake_page::moved(std::span<seen const> on) const noexcept {
  return std::any_of(on.begin(), on.end(), [&](seen const& s) { return page_->counts[s.word].load() != s.count; });
}

void wake_page::wait(std::span<seen const> on, interrupter& also, deadline until) noexcept {
  if (until.passed() || also.word_.load() != 0) return;
  if (no_waitv.load(std::memory_order_relaxed)) return wait_for_any(on, also, until);
  for (auto const& s : on) page_->sleepers[s.word].fetch_add(1);
  std::array<::futex_waitv, words + 1> list{};
  auto const n = std::min<std::size_t>(on.size(), words);
  for (std::size_t i = 0; i < n; ++i)
    list[i] = {on[i].count, reinterpret_cast<std::uintptr_t>(&page_->counts[on[i].word]), FUTEX_32, 0};
  list[n] = {0, reinterpret_cast<std::uintptr_t>(&also.word_), FUTEX_32, 0};
  auto const end = until.is_never() ? ::timespec{} : absolute(until);
  auto const code =
      ::syscall(SYS_futex_waitv, list.data(), n + 1, 0, until.is_never() ? nullptr : &end, CLOCK_MONOTONIC);
  if (code < 0 && (errno == ENOSYS || errno == EPERM)) no_waitv = true;
  for (auto const& s : on) page_->sleepers[s.word].fetch_sub(1);
}

// The interrupter moves the shared word too, once it knows it.
void wake_page::wait_for_any(std::span<seen const> on, interrupter& also, deadline until) noexcept {
  also.bell_ = &page_->any_count;
  auto const count = page_->any_count.load();
  page_->any_sleepers.fetch_add(1);
  if (!moved(on) && also.word_.load() == 0) {
    auto const ns = std::min<std::int64_t>(999'999'999, std::chrono::nanoseconds{until.left()}.count());
    ::timespec const most{0, static_cast<long>(ns)};
    ::syscall(SYS_futex, &page_->any_count, FUTEX_WAIT, count, &most, nullptr, 0);
  }
  page_->any_sleepers.fetch_sub(1);
}

void wake_page::use_one_word(bool yes) noexcept { no_waitv = yes; }

}  // namespace lovage::store
