#include "beat/schedule_store.hpp"

namespace lovage::beats {

void schedule_store::wait(deadline until) {
  std::unique_lock lock{mutex_};
  auto const woken = [this] { return interrupted_; };
  if (until.is_never()) {
    woken_.wait(lock, woken);
  } else {
    woken_.wait_until(lock, until.when(), woken);
  }
  interrupted_ = false;
}

void schedule_store::interrupt() {
  std::lock_guard const lock{mutex_};
  interrupted_ = true;
  woken_.notify_all();
}

}  // namespace lovage::beats
