#include "pool/loop_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace lovage::pool {

/// The question that is under way owns it too: a loop may answer when the pool is gone.
struct loop_watch::loop {
  driver by;
  std::atomic<int> thread{0};
  std::atomic<bool> asked{false};
  std::chrono::steady_clock::time_point since{};
};

void loop_watch::answer(void* with) {
  std::unique_ptr<std::shared_ptr<loop>> const of{static_cast<std::shared_ptr<loop>*>(with)};
  (*of)->thread = ::gettid();
  (*of)->asked = false;
}

void loop_watch::ask(std::shared_ptr<loop> const& l) {
  auto with = std::make_unique<std::shared_ptr<loop>>(l);
  l->since = std::chrono::steady_clock::now();
  l->asked = true;
  if (l->by.post(l->by.self, &loop_watch::answer, with.get()) != 0) {
    (void)with.release();
  } else {
    l->asked = false;
  }
}

void loop_watch::add(driver by) {
  std::lock_guard const lock{m_};
  auto const known = [&](auto const& l) { return l->by.self == by.self && l->by.post == by.post; };
  if (std::any_of(loops_.begin(), loops_.end(), known)) return;
  loops_.push_back(std::make_shared<loop>());
  loops_.back()->by = by;
  ask(loops_.back());
}

std::vector<sighting> loop_watch::look() {
  std::lock_guard const lock{m_};
  std::vector<sighting> out;
  for (auto const& l : loops_) {
    if (l->asked) {
      out.push_back({0, l->thread, l->since});
    } else {
      ask(l);
    }
  }
  return out;
}

std::vector<sighting> loop_watch::all() const {
  std::lock_guard const lock{m_};
  std::vector<sighting> out;
  for (auto const& l : loops_)
    if (l->thread != 0) out.push_back({0, l->thread, {}});
  return out;
}

}  // namespace lovage::pool
