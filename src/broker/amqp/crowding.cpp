// A subscriber's room, in octets, which RabbitMQ does not count: it is told how many messages fit, and not to send for
// as long as there is none.
//
//   more comes than fits --> [ crowded ] what is beyond goes back; its consumers are cancelled
//   half of it is taken  --> they consume again, with as many ahead as had fitted
#include "broker/amqp/subscriber.hpp"

#include <algorithm>

namespace lovage::broker::amqp {
namespace {

// Of the mean size, so much is each message's: a burst is noticed within a few.
constexpr double newest = 0.125;

}  // namespace

void subscriber::allow(std::size_t octets) {
  bool more = false;
  {
    std::lock_guard const lock{mutex_};
    more = crowded_ && octets > allowed_;
    allowed_ = octets;
    if (octets != unbounded) bound_ = std::max(bound_, octets);
  }
  if (more) session_.wake();
}

// Under `mutex_`. One is always kept, however large.
bool subscriber::keeps(entry const& e) {
  auto const octets = e.octets();
  mean_octets_ += (static_cast<double>(octets) - mean_octets_) * newest;
  if (waiting_octets_ > 0 && octets > allowed_ - std::min(allowed_, waiting_octets_)) {
    if (!crowded_) fits_ = std::max<std::size_t>(1, list_.size() + due_.size());
    crowded_ = true;
    return false;
  }
  bool const room_for_more = 4 * mean_octets_ * static_cast<double>(fits_) < static_cast<double>(bound_);
  if (fits_ != unbounded && !crowded_ && room_for_more) fits_ *= 2;
  waiting_octets_ += octets;
  return true;
}

// A broadcast's queue would go with its consumer.
expected<void> subscriber::heed_room(session& on) {
  bool crowded = false;
  {
    std::lock_guard const lock{mutex_};
    if (crowded_ && allowed_ > 0 && waiting_octets_ <= allowed_ / 2) crowded_ = false;
    crowded = crowded_;
  }
  if (crowded == stopped_) return {};
  stopped_ = crowded;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    auto ok = expected<void>{};
    if (!crowded && takes_from(i) && !rests(i) && !sources_[i].consuming) ok = consume(on, i);
    if (crowded && sources_[i].consuming && !sources_[i].spec.broadcast) ok = cancel(on, i);
    if (!ok) return ok;
  }
  if (!crowded) consumed_with_ = prefetch_now();
  return {};
}

}  // namespace lovage::broker::amqp
