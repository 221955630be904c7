#include "monitor/event_stream.hpp"

#include "core/log.hpp"
#include "monitor/monitor.hpp"

#include <algorithm>

namespace lovage::monitor {

using namespace std::chrono_literals;

void event_stream::start() {
  if (thread_.joinable()) return;
  stop_ = false;
  thread_ = std::thread{[this] { run(); }};
}

void event_stream::stop() {
  stop_ = true;
  {
    std::lock_guard const lock{mutex_};
    if (heard_) heard_->interrupt();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string event_stream::fault() const {
  std::lock_guard const lock{mutex_};
  return fault_;
}

void event_stream::set_fault(std::string text) {
  {
    std::lock_guard const lock{mutex_};
    fault_ = std::move(text);
  }
  wake_.notify_all();
}

void event_stream::set_heard(std::unique_ptr<detail::event_receiver> from) {
  {
    std::lock_guard const lock{mutex_};
    heard_ = std::move(from);
    fault_.clear();
    connected_ = true;
  }
  wake_.notify_all();
}

void event_stream::await_first(std::chrono::milliseconds at_most) const {
  std::unique_lock lock{mutex_};
  wake_.wait_for(lock, at_most, [&] { return connected_ || !fault_.empty() || stop_; });
}

void event_stream::run() {
  for (auto pause = 1000ms; !stop_; pause = std::min<std::chrono::milliseconds>(2 * pause, 10s)) {
    auto heard = expected<void>{};
    try {
      heard = hear();
    } catch (std::exception const& e) {  // memory, as a rule
      heard = fail(errc::internal, e.what());
    }
    if (connected_.exchange(false)) pause = 1000ms;
    if (heard || stop_) return;
    set_fault(heard.error().text());
    log::warning("monitor: events are not heard, and tried again: " + heard.error().text());
    std::unique_lock lock{mutex_};
    heard_.reset();
    wake_.wait_for(lock, pause, [&] { return stop_.load(); });
  }
}

expected<void> event_stream::hear() {
  auto opened = detail::event_receiver::open(*app_, "#", deadline::in(connect_within));
  if (!opened) return fail(opened.error());
  auto* from = opened->get();
  set_heard(*std::move(opened));
  while (!stop_) {
    auto events = from->take(deadline::in(5s));
    refused_ = from->refused();
    if (!events) return fail(events.error());
    if (!events->empty()) deliver_(*std::move(events));
  }
  return {};
}

}  // namespace lovage::monitor
