#include "core/log.hpp"
#include "monitor/monitor_parts.hpp"

#include <algorithm>

namespace lovage::monitor {

void ticker::start(std::chrono::milliseconds every, std::function<void()> work) {
  if (thread_.joinable()) return;
  every_ = every;
  work_ = std::move(work);
  stop_ = hurry_ = false;
  thread_ = std::thread{[this] { run(); }};
}

void ticker::run() {
  for (;;) {
    try {
      work_();
    } catch (std::exception const& e) {
      log::error(std::string{"monitor: "} + e.what());
    }
    std::unique_lock lock{mutex_};
    wake_.wait_for(lock, every_, [&] { return stop_ || hurry_; });
    if (stop_) return;
    hurry_ = false;
  }
}

void ticker::hurry() {
  {
    std::lock_guard const lock{mutex_};
    hurry_ = true;
  }
  wake_.notify_all();
}

void ticker::stop() {
  {
    std::lock_guard const lock{mutex_};
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<void> subscribers::add(std::function<void(change const&)> tell) {
  auto made = std::make_shared<one>();
  made->tell = std::move(tell);
  std::lock_guard const lock{mutex_};
  std::erase_if(all_, [](auto const& w) { return w.expired(); });
  all_.push_back(made);
  // A call that runs is waited for when this ends.
  return {static_cast<void*>(made.get()), [made](void*) {
            std::lock_guard const running{made->mutex};
            made->tell = nullptr;
          }};
}

void subscribers::tell(change const& what) {
  std::vector<std::shared_ptr<one>> all;
  {
    std::lock_guard const lock{mutex_};
    for (auto const& w : all_)
      if (auto one = w.lock()) all.push_back(std::move(one));
  }
  for (auto const& s : all) {
    std::lock_guard const lock{s->mutex};
    if (!s->tell) continue;
    try {
      s->tell(what);
    } catch (std::exception const& e) {
      log::error(std::string{"monitor: a listener failed: "} + e.what());
    }
  }
}

}  // namespace lovage::monitor
