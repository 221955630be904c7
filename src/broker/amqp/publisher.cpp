#include "broker/amqp/publisher.hpp"

#include "broker/amqp/content.hpp"
#include "broker/amqp/publish_job.hpp"
#include "core/ids.hpp"

namespace lovage::broker::amqp {
namespace {

constexpr std::uint16_t confirming = 1;
constexpr std::size_t window = 2'000;
constexpr std::size_t most_pending = 1U << 20;  ///< bytes that wait for the socket

}  // namespace

publisher::publisher(context with)
    : with_{std::move(with)},
      session_{with_.to, with_.strategy, "lovage publisher " + anonymous_name(), *this},
      declarer_{session_} {}

publisher::~publisher() { session_.stop(); }

expected<void> publisher::publish(std::span<outgoing const> messages, deadline until) {
  if (messages.empty()) return {};
  auto one = std::make_shared<job>();
  one->plain = messages;
  return run(one, until);
}

expected<void> publisher::publish(std::vector<letter> letters, deadline until) {
  if (letters.empty()) return {};
  auto one = std::make_shared<job>();
  one->letters = std::move(letters);
  return run(one, until);
}

void publisher::post(std::vector<letter> letters, std::function<void(expected<void> const&)> on_done) {
  auto one = std::make_shared<job>();
  one->letters = std::move(letters);
  one->left = one->size();
  one->on_done = std::move(on_done);
  submit(std::move(one));
}

expected<void> publisher::run(std::shared_ptr<job> const& one, deadline until) {
  one->left = one->size();
  submit(one);
  std::unique_lock lock{one->mutex};
  auto const done = [&] { return one->left == 0; };
  if (until.is_never()) {
    one->changed.wait(lock, done);
  } else if (!one->changed.wait_until(lock, until.when(), done)) {
    one->abandoned = true;  // from here on nobody looks at the caller's messages
    if (one->refusal) return fail(*one->refusal);
    auto const left = one->left;
    lock.unlock();
    return fail(why_late(left, one->size()));
  }
  if (one->fault) return fail(one->fault->second);
  return {};
}

void publisher::submit(std::shared_ptr<job> one) {
  session_.start();
  std::optional<error_info> hopeless;
  {
    std::lock_guard const lock{mutex_};
    if (!up_ && down_ && (down_->code == errc::bad_config || down_->code == errc::closed)) {
      hopeless = down_;
    } else {
      posted_.push_back(one);
    }
  }
  if (hopeless) return one->fail_all(*hopeless);
  session_.wake();
}

error_info publisher::why_late(std::size_t left, std::size_t of) const {
  auto const where = with_.to.all.front().text();
  std::lock_guard const lock{mutex_};
  if (!up_ && down_) return {errc::unavailable, "no connection to RabbitMQ: " + down_->detail, down_->where};
  if (!up_) return {errc::timeout, "no connection to RabbitMQ in time", where};
  if (!blocked_.empty())
    return {errc::unavailable, "RabbitMQ has blocked publishers, by an alarm of memory or disk: " + blocked_, where};
  return {errc::timeout,
          "RabbitMQ has not confirmed " + std::to_string(left) + " of " + std::to_string(of) +
              " messages in time; they may arrive all the same",
          where};
}

void publisher::note_block(std::string const& reason) {
  std::lock_guard const lock{mutex_};
  if (blocked_ != reason) blocked_ = reason;
}

expected<void> publisher::set_up(session& on) {
  declarer_.begin();
  routes_.clear();
  open_ = false;
  suspects_ = 0;
  if (!open_confirming(on)) return fail(errc::unavailable, "RabbitMQ opens no channel");
  std::lock_guard const lock{mutex_};
  up_ = true;
  down_.reset();
  blocked_.clear();
  return {};
}

bool publisher::open_confirming(session& on) {
  if (open_) return true;
  if (!on.open_channel(confirming).ok()) return false;
  amqp_confirm_select_t select{};
  if (!on.call(confirming, AMQP_CONFIRM_SELECT_METHOD, &select, AMQP_CONFIRM_SELECT_OK_METHOD).ok()) return false;
  first_tag_ = 1;
  return open_ = true;
}

void publisher::collect() {
  std::vector<std::shared_ptr<job>> jobs;
  {
    std::lock_guard const lock{mutex_};
    jobs.swap(posted_);
  }
  for (auto const& j : jobs)
    for (std::size_t i = 0; i < j->size(); ++i) waiting_.push_back({.of = j, .index = i});
}

steady::time_point publisher::turn(session& on) {
  collect();
  try_refused_again();
  note_block(on.blocked());
  if (!open_ && !open_confirming(on)) {
    on.abandon({errc::unavailable, "RabbitMQ opens no channel", {}});
    return steady::now();
  }
  while (!waiting_.empty() && open_ && on.blocked().empty() && on.out().pending().size() < most_pending &&
         unconfirmed_.size() < (suspects_ > 0 ? 1 : window))
    send_next(on);
  return refused_.empty() ? steady::time_point::max() : refused_.front().first;
}

void publisher::send_next(session& on) {
  auto i = std::move(waiting_.front());
  waiting_.pop_front();
  address to;
  {
    std::lock_guard const lock{i.of->mutex};
    if (i.of->abandoned) return;
    to = i.of->address_of(i.index);
  }
  auto via = resolve(to);
  if (on.broken()) return waiting_.push_front(std::move(i));  // it is not to blame
  if (!via) return finish(i, via.error());
  if (via->nowhere) return finish(i, std::nullopt);
  if (auto sent = encode(on, i, *via); !sent) return finish(i, sent.error());
  i.exchange = std::move(via->exchange);
  i.key = std::move(via->key);
  unconfirmed_.push_back(std::move(i));
}

}  // namespace lovage::broker::amqp
