// What a publisher hears of the messages it sent.
#include "broker/amqp/publish_job.hpp"

#include <algorithm>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

// A quorum queue that has no leader yet refuses everything, as a full one does; an election takes less than this.
constexpr auto refused_for_good = 5s;
constexpr auto refused_pause = 50ms;

error_info of_channel(int code, std::string const& text) {
  switch (code) {
    case AMQP_PRECONDITION_FAILED: return {errc::invalid_argument, "RabbitMQ refused the message: " + text, {}};
    case AMQP_ACCESS_REFUSED: return {errc::bad_config, "RabbitMQ refused the message: " + text, {}};
    default: return {errc::unavailable, "RabbitMQ refused the message: " + text, {}};
  }
}

}  // namespace

void publisher::on_method(session& on, std::uint16_t channel, amqp_method_t const& method) {
  (void)on, (void)channel;
  if (method.id == AMQP_BASIC_ACK_METHOD) {
    auto const& m = *static_cast<amqp_basic_ack_t const*>(method.decoded);
    confirm(m.delivery_tag, m.multiple != 0, true);
  } else if (method.id == AMQP_BASIC_NACK_METHOD) {
    auto const& m = *static_cast<amqp_basic_nack_t const*>(method.decoded);
    confirm(m.delivery_tag, m.multiple != 0, false);
  }
}

// A returned message is named by where it went; of several that went there it is the first, as the server keeps order.
void publisher::on_content(session& on, std::uint16_t channel, incoming&& message) {
  (void)on, (void)channel;
  if (message.by != AMQP_BASIC_RETURN_METHOD) return;
  auto const at = std::find_if(unconfirmed_.begin(), unconfirmed_.end(), [&](item const& i) {
    return !i.confirmed && !i.returned && i.exchange == message.exchange && i.key == message.routing_key;
  });
  if (at == unconfirmed_.end()) return;
  at->returned = error_info{errc::unavailable, "no queue takes it: RabbitMQ returned it, " + message.text,
                            "exchange '" + message.exchange + "', key '" + message.routing_key + "'"};
}

void publisher::confirm(std::uint64_t tag, bool multiple, bool taken) {
  if (tag < first_tag_ || tag - first_tag_ >= unconfirmed_.size()) return;
  auto const at = static_cast<std::size_t>(tag - first_tag_);
  for (auto k = multiple ? std::size_t{0} : at; k <= at; ++k) {
    if (unconfirmed_[k].confirmed) continue;
    unconfirmed_[k].confirmed = true;
    conclude(unconfirmed_[k], taken);
  }
  while (!unconfirmed_.empty() && unconfirmed_.front().confirmed) {
    unconfirmed_.pop_front();
    ++first_tag_;
  }
}

void publisher::conclude(item& i, bool taken) {
  if (suspects_ > 0) --suspects_;
  if (!taken) return refuse(i);
  // The queue went since it was declared: once more, with a new declaration.
  if (i.returned && !i.again && routes_.contains(i.key) && i.exchange.empty()) {
    routes_.erase(i.key);
    declarer_.forget_queue(i.key);
    waiting_.push_front(i.anew());
    waiting_.front().again = true;
    return;
  }
  finish(i, std::move(i.returned));
}

void publisher::refuse(item& i) {
  auto const now = steady::now();
  error_info why{errc::unavailable, "RabbitMQ refused the message; its queue may be full, or have no leader",
                 "exchange '" + i.exchange + "', key '" + i.key + "'"};
  if (!i.refused) i.refused = now;
  if (now - *i.refused >= refused_for_good) return finish(i, std::move(why));
  {
    std::lock_guard const lock{i.of->mutex};
    i.of->refusal = std::move(why);
  }
  refused_.emplace_back(now + refused_pause, i.anew());
}

void publisher::try_refused_again() {
  for (auto const now = steady::now(); !refused_.empty() && refused_.front().first <= now; refused_.pop_front())
    waiting_.push_back(std::move(refused_.front().second));
}

void publisher::finish(item& i, std::optional<error_info> fault) {
  auto const of = std::move(i.of);
  of->finish(i.index, std::move(fault));
}

// What may not have arrived is sent again, before all else and in its order.
void publisher::take_back() {
  while (!unconfirmed_.empty()) {
    auto& i = unconfirmed_.back();
    if (!i.confirmed) waiting_.push_front(i.anew());
    unconfirmed_.pop_back();
  }
}

// The server does not say which message it was about. So they are sent again one by one, until the one is found.
void publisher::on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) {
  (void)on;
  if (channel == declarer::channel) return declarer_.on_closed();
  open_ = false;
  routes_.clear();
  declarer_.forget();
  auto const open = [](item const& i) { return !i.confirmed; };
  auto const under_way = static_cast<std::size_t>(std::count_if(unconfirmed_.begin(), unconfirmed_.end(), open));
  if (under_way == 1) {
    finish(*std::find_if(unconfirmed_.begin(), unconfirmed_.end(), open), of_channel(code, text));
    unconfirmed_.clear();
    if (suspects_ > 0) --suspects_;
    return;
  }
  suspects_ = std::max(suspects_, under_way);
  take_back();
}

void publisher::on_lost(error_info const& why) {
  open_ = false;
  take_back();
  {
    std::lock_guard const lock{mutex_};
    up_ = false;
    down_ = why;
    blocked_.clear();
  }
  if (why.code != errc::bad_config && why.code != errc::closed) return;
  collect();
  for (auto& i : waiting_) finish(i, why);
  for (auto& [due, i] : refused_) finish(i, why);
  waiting_.clear();
  refused_.clear();
}

}  // namespace lovage::broker::amqp
