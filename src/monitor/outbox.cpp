#include "monitor/outbox.hpp"

#include <algorithm>
#include <utility>

namespace lovage::monitor {

void outbox::put(alert what) {
  waiting_.push_back(std::move(what));
  if (waiting_.size() > most) waiting_.erase(waiting_.begin() + 1);
}

std::optional<alert> outbox::due(time_point now) const {
  if (waiting_.empty() || now < not_before_) return std::nullopt;
  return waiting_.front();
}

void outbox::taken() {
  next();
  not_before_ = {};
}

// The pause stays: whoever refused the one is not asked at once for the next.
bool outbox::refused(time_point now) {
  if (!begun_) begun_ = now;
  not_before_ = now + pause_;
  bool const given_up = now - *begun_ >= patience;
  if (given_up)
    next();
  else
    pause_ = std::min(2 * pause_, longest_pause);
  return given_up;
}

void outbox::next() {
  if (!waiting_.empty()) waiting_.pop_front();
  pause_ = first_pause;
  begun_.reset();
}

}  // namespace lovage::monitor
