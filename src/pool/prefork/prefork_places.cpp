// How many children there are, and which: growing, shrinking, recycling, ending single jobs.
#include "pool/prefork/prefork_pool.hpp"
#include "pool/stack_dump.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>

namespace lovage::pool {
namespace {

/// An idle child that was told to go and does not is killed after this.
constexpr std::chrono::seconds leaves_within{2};

std::uint64_t resident_kib(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/statm"};
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  static auto const page_kib = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
  return resident * page_kib;
}

}  // namespace

void prefork_pool::want(std::uint32_t slot) {
  auto& p = places_[slot];
  p.wanted = true;
  if (!p.ready) ++missing_;
}

void prefork_pool::unwant(std::uint32_t slot) {
  auto& p = places_[slot];
  p.wanted = false;
  if (!p.ready) --missing_;
}

/// A place where a child can be put; nothing when all are taken.
std::optional<std::uint32_t> prefork_pool::free_place() {
  for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
    auto const& p = places_[slot];
    if (!p.wanted && !p.asked && p.life.state() == child_state::absent) return slot;
  }
  if (places_.size() == stop_flags_.size()) return std::nullopt;
  places_.emplace_back();
  return static_cast<std::uint32_t>(places_.size() - 1);
}

/// Has a successor made; the child serves on until that is ready, or until it has run all its jobs.
void prefork_pool::replace(std::uint32_t slot) {
  auto const next = free_place();
  if (!next) return;
  unwant(slot);
  want(*next);
  places_[slot].successor = *next;
  ++handovers_;
}

/// The successor is there, or will not be: whom it follows goes as soon as it is free.
void prefork_pool::hand_over(std::uint32_t successor) {
  for (std::uint32_t slot = 0; handovers_ > 0 && slot < places_.size(); ++slot) {
    auto& p = places_[slot];
    if (p.successor != successor) continue;
    p.successor.reset();
    --handovers_;
    if (p.life.state() == child_state::idle) leave(slot);
  }
}

bool prefork_pool::is_spent(place const& p) const {
  return options_.max_tasks_per_child != 0 && p.done >= options_.max_tasks_per_child;
}

/// Called when its job has begun or ended: its last one, or memory, may be a reason for another child.
void prefork_pool::consider_replacing(std::uint32_t slot, bool job_ended) {
  auto const& p = places_[slot];
  if (!p.wanted || phase_ > phase::running) return;
  auto const most = options_.max_tasks_per_child;
  bool const last = !job_ended && most != 0 && p.done + 1 >= most;
  auto const limit = options_.max_memory_per_child;
  if (last || (job_ended && limit != 0 && resident_kib(p.pid) > limit)) replace(slot);
}

/// A child is free: for the next job, or to go.
void prefork_pool::offer(std::uint32_t slot) {
  auto const& p = places_[slot];
  if (is_spent(p) || (!p.wanted && !p.successor)) return leave(slot);
  idle_.push_back(slot);
}

void prefork_pool::leave(std::uint32_t slot) {
  auto& p = places_[slot];
  if (!p.life.step(child_input::retired).leave) return;
  std::erase(idle_, slot);
  p.socket.reset();
  p.retired = true;
  p.silent_until = clock::now() + leaves_within;
  next_limit_ = std::min(next_limit_, p.silent_until);
}

std::size_t prefork_pool::wanted() const {
  return static_cast<std::size_t>(
      std::count_if(places_.begin(), places_.end(), [](place const& p) { return p.wanted; }));
}

std::size_t prefork_pool::concurrency() const {
  std::lock_guard lock{m_};
  return wanted();
}

void prefork_pool::grow(std::size_t by) {
  for (std::uint32_t slot = 0; by > 0 && slot < places_.size(); ++slot) {
    auto const& p = places_[slot];
    bool const still_runs = p.life.state() == child_state::busy;
    if (!still_runs || p.wanted || p.successor || p.done + 1 == options_.max_tasks_per_child) continue;
    want(slot);  // it was to go, and need not any more
    --by;
  }
  for (; by > 0; --by) {
    auto const slot = free_place();
    if (!slot) return;
    want(*slot);
  }
}

/// First those that have no child yet, then the idle, then, when their job ends, the busy.
void prefork_pool::shrink(std::size_t by) {
  using st = child_state;
  auto const rank = [](st s) { return s == st::absent || s == st::starting ? 0 : s == st::idle ? 1 : 2; };
  for (int round = 0; round < 3; ++round) {
    for (auto slot = static_cast<std::uint32_t>(places_.size()); by > 0 && slot-- > 0;) {
      if (!places_[slot].wanted || rank(places_[slot].life.state()) != round) continue;
      unwant(slot);
      hand_over(slot);
      leave(slot);
      --by;
    }
  }
}

expected<void> prefork_pool::resize(std::size_t concurrency) {
  std::lock_guard lock{m_};
  if (concurrency == 0 || concurrency > most_slots)
    return fail(errc::invalid_argument, "a prefork pool has from 1 to " + std::to_string(most_slots) + " slots");
  if (phase_ != phase::running) return fail(errc::closed, "the pool does not run");
  auto const have = wanted();
  if (concurrency > have) grow(concurrency - have);
  if (concurrency < have) shrink(have - concurrency);
  wake();
  return {};
}

expected<void> prefork_pool::restart() {
  std::lock_guard lock{m_};
  if (phase_ != phase::running) return fail(errc::closed, "the pool does not run");
  auto const count = places_.size();
  for (std::uint32_t slot = 0; slot < count; ++slot) {
    if (places_[slot].wanted && places_[slot].life.state() != child_state::absent) replace(slot);
  }
  wake();
  return {};
}

expected<void> prefork_pool::terminate(std::uint64_t job_id, int signal) {
  std::lock_guard lock{m_};
  if (signal < 1 || signal > SIGRTMAX) return fail(errc::invalid_argument, "no signal has this number");
  for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
    auto& p = places_[slot];
    if (!p.life.has_job() || p.job != job_id) continue;
    act(slot, p.life.step(child_input::signalled));
    tell(control_kind::kill, slot, p.pid, signal);
    return {};
  }
  return fail(errc::invalid_argument, "this task does not run");
}

std::vector<slot> prefork_pool::slots() const {
  std::lock_guard lock{m_};
  std::vector<slot> out;
  for (auto const& p : places_) {
    if (p.life.state() == child_state::absent || p.retired) continue;
    bool const runs = p.life.has_job();
    out.push_back({p.pid, runs ? p.job : 0, p.done, runs ? p.began : time_point{}});
  }
  return out;
}

void prefork_pool::dump_stacks() {
  std::lock_guard lock{m_};
  for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
    if (places_[slot].life.has_job()) tell(control_kind::kill, slot, places_[slot].pid, stack_dump_signal());
  }
}

}  // namespace lovage::pool
