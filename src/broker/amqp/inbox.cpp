#include "broker/amqp/content.hpp"
#include "broker/amqp/declarer.hpp"
#include "broker/amqp/parts.hpp"
#include "core/log.hpp"

#include <condition_variable>
#include <deque>

namespace lovage::broker::amqp {
namespace {

constexpr std::uint16_t consuming_channel = 1;
// Nothing slows a sender to an inbox down. What nobody takes must not fill the memory.
constexpr std::size_t most_kept = 100'000;

class amqp_inbox final : public inbox, public tenant {
 public:
  amqp_inbox(context const& with, queue_spec spec)
      : spec_{std::move(spec)},
        where_{with.to.all.front().text()},
        session_{with.to, with.strategy, "lovage inbox " + spec_.name.str(), *this},
        declarer_{session_} {}
  ~amqp_inbox() override { session_.stop(); }

  [[nodiscard]] expected<void> open(deadline until);
  expected<std::vector<wire::envelope>> take(deadline until) override;
  void interrupt() override {
    std::lock_guard const lock{mutex_};
    interrupted_ = true;
    changed_.notify_all();
  }

  expected<void> set_up(session& on) override;
  steady::time_point turn(session& on) override;
  void on_method(session& on, std::uint16_t channel, amqp_method_t const& method) override;
  void on_content(session& on, std::uint16_t channel, incoming&& message) override;
  void on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) override;
  void on_lost(error_info const& why) override;

 private:
  queue_spec const spec_;
  std::string const where_;
  session session_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<wire::envelope> kept_;
  std::optional<error_info> down_;
  bool up_ = false, interrupted_ = false, overflown_ = false;

  // the session's own
  declarer declarer_;
  arena memory_;
};

expected<void> amqp_inbox::open(deadline until) {
  session_.start();
  std::unique_lock lock{mutex_};
  auto const decided = [&] { return up_ || (down_ && down_->code == errc::bad_config); };
  if (until.is_never()) {
    changed_.wait(lock, decided);
  } else {
    changed_.wait_until(lock, until.when(), decided);
  }
  if (up_) return {};
  if (!down_) return fail(errc::timeout, "no connection to RabbitMQ in time", where_);
  if (down_->code == errc::bad_config) return fail(*down_);
  return fail(errc::unavailable, "no connection to RabbitMQ: " + down_->detail, down_->where);
}

expected<void> amqp_inbox::set_up(session& on) {
  declarer_.begin();
  if (auto ok = declarer_.queue(spec_); !ok) return ok;
  if (auto r = on.open_channel(consuming_channel); !r.ok()) return fail(fault_of(r, spec_.name.str()));
  amqp_basic_consume_t m{};
  m.queue = borrow(spec_.name.str());
  m.no_ack = 1;
  auto const r = on.call(consuming_channel, AMQP_BASIC_CONSUME_METHOD, &m, AMQP_BASIC_CONSUME_OK_METHOD);
  if (!r.ok()) return fail(fault_of(r, spec_.name.str()));
  std::lock_guard const lock{mutex_};
  up_ = true;
  down_.reset();
  changed_.notify_all();
  return {};
}

steady::time_point amqp_inbox::turn(session& on) {
  (void)on;
  return steady::time_point::max();
}

void amqp_inbox::on_method(session& on, std::uint16_t channel, amqp_method_t const& method) {
  (void)channel;
  if (method.id == AMQP_BASIC_CANCEL_METHOD) on.abandon({errc::unavailable, "RabbitMQ cancelled the consumer", {}});
}

void amqp_inbox::on_content(session& on, std::uint16_t channel, incoming&& message) {
  (void)on, (void)channel;
  memory_.clear();
  auto a = read_properties(message.properties, memory_);
  a.envelope.body = std::move(message.body);
  std::lock_guard const lock{mutex_};
  if (kept_.size() >= most_kept) {
    kept_.pop_front();
    if (!std::exchange(overflown_, true))
      log::warning("nobody takes from inbox " + spec_.name.str() + "; the oldest messages are dropped");
  }
  kept_.push_back(std::move(a.envelope));
  changed_.notify_all();
}

void amqp_inbox::on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) {
  (void)code;
  if (channel == declarer::channel) return declarer_.on_closed();
  on.abandon({errc::unavailable, "RabbitMQ closed the channel: " + text, {}});
}

void amqp_inbox::on_lost(error_info const& why) {
  std::lock_guard const lock{mutex_};
  up_ = false;
  down_ = why;
  changed_.notify_all();
}

expected<std::vector<wire::envelope>> amqp_inbox::take(deadline until) {
  std::unique_lock lock{mutex_};
  auto const woken = [&] { return !kept_.empty() || interrupted_; };
  if (until.is_never()) {
    changed_.wait(lock, woken);
  } else {
    changed_.wait_until(lock, until.when(), woken);
  }
  interrupted_ = false;
  overflown_ = false;
  std::vector<wire::envelope> out{std::make_move_iterator(kept_.begin()), std::make_move_iterator(kept_.end())};
  kept_.clear();
  return out;
}

}  // namespace

expected<std::unique_ptr<inbox>> make_inbox(std::shared_ptr<shared_parts> of, queue_spec const& queue, deadline until) {
  auto made = std::make_unique<amqp_inbox>(of->with, queue);
  if (auto ready = made->open(until); !ready) return fail(ready.error());
  return std::unique_ptr<inbox>{std::move(made)};
}

}  // namespace lovage::broker::amqp
