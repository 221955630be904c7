#include "broker/amqp/subscriber.hpp"

#include "broker/amqp/ladder.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

#include <algorithm>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

constexpr int tag_bits = 40;
constexpr auto ack_linger = 1ms;
// Nearer than this the delay queues, which count whole seconds, bring nothing: it waits here.
constexpr auto held_here = 1500ms;

std::atomic<std::uint64_t> last_epoch{0};

}  // namespace

subscriber::subscriber(context const& with, std::shared_ptr<publisher> outlet, std::vector<queue_spec> queues,
                       consumer_options options)
    : with_{with},
      outlet_{std::move(outlet)},
      options_{std::move(options)},
      prefetch_{options_.prefetch},
      name_{options_.session_name},
      session_{with.to, with.strategy, "lovage consumer " + name_, *this},
      queues_{options_.order},
      declarer_{session_},
      turns_{options_.order} {
  for (std::size_t i = 0; i < queues.size(); ++i) know(std::move(queues[i]), options_.weight(i));
}

subscriber::~subscriber() { session_.stop(); }

error_info subscriber::closed() const { return {errc::closed, "the consumer was closed", name_}; }

expected<void> subscriber::wait_until_subscribed(deadline until) {
  std::unique_lock lock{mutex_};
  auto const decided = [&] { return subscribed_ || (down_ && down_->code == errc::bad_config); };
  if (until.is_never()) {
    changed_.wait(lock, decided);
  } else {
    changed_.wait_until(lock, until.when(), decided);
  }
  if (subscribed_) return {};
  if (!down_) return fail(errc::timeout, "no connection to RabbitMQ in time", with_.to.all.front().text());
  if (down_->code == errc::bad_config) return fail(*down_);
  return fail(errc::unavailable, "no connection to RabbitMQ: " + down_->detail, down_->where);
}

expected<void> subscriber::set_up(session& on) {
  declarer_.begin();
  return subscribe(on);
}

expected<void> subscriber::declare(std::size_t index) {
  auto const& s = sources_[index];
  auto spec = s.spec;
  spec.name = s.queue;
  if (spec.broadcast) spec.auto_delete = true;
  if (auto ok = declarer_.queue(spec); !ok) return ok;
  auto const* type = find(spec.arguments, "x-queue-type");
  bool const quorum = type && *type == value{"quorum"};
  return quorum ? declarer_.python_delays(spec, with_.delay_queue_type) : expected<void>{};
}

expected<void> subscriber::subscribe(session& on) {
  drop_all();
  reopen_ = false;
  consumed_with_ = prefetch_now();
  cancelled_.clear();
  since_ = steady::now();
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    sources_[i].consuming = false;
    if (takes_from(i))
      if (auto ok = declare(i); !ok) return ok;
  }
  share_ = 65'535;
  listen(on);
  if (on.broken()) return fail(errc::unavailable, "RabbitMQ went away", name_);
  if (auto r = on.open_channel(receiving_channel); !r.ok()) return fail(fault_of(r, name_));
  for (std::size_t i = 0; i < sources_.size(); ++i)
    if (takes_from(i) && !rests(i))
      if (auto ok = consume(on, i); !ok) return ok;
  std::lock_guard const lock{mutex_};
  subscribed_ = true;
  down_.reset();
  changed_.notify_all();
  return {};
}

expected<void> subscriber::consume(session& on, std::size_t index) {
  if (is_fetched(index)) return {};
  amqp_basic_qos_t qos{};  // counts for consumers to come
  qos.prefetch_count = prefetch_of(index);
  share_ = std::min(share_, qos.prefetch_count);
  auto const limited = on.call(receiving_channel, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD);
  if (!limited.ok()) return fail(fault_of(limited, name_));
  auto const tag = std::to_string(index);
  amqp_basic_consume_t m{};
  m.queue = borrow(sources_[index].queue.str());
  m.consumer_tag = borrow(tag);
  auto const r = on.call(receiving_channel, AMQP_BASIC_CONSUME_METHOD, &m, AMQP_BASIC_CONSUME_OK_METHOD);
  if (!r.ok()) return fail(fault_of(r, sources_[index].queue.str()));
  sources_[index].consuming = true;
  return {};
}

// The server gives everything to somebody once more; what is settled under the old tags is passed over.
void subscriber::drop_all() {
  ledger_.clear();
  gathering_.reset();
  fresh_.clear();
  asked_.reset();
  bare_.clear();
  next_look_ = {};
  current_ = ++last_epoch;
  std::lock_guard const lock{mutex_};
  list_.clear();
  due_.clear();
  waiting_octets_ = 0;
  crowded_ = stopped_ = false;
  held_.clear();
  commands_.clear();
  subscribed_ = false;
  epoch_ = current_;
}

void subscriber::on_content(session& on, std::uint16_t channel, incoming&& message) {
  if (channel == notice_channel) return on_notice(on, std::move(message));
  if (channel != receiving_channel) return;
  if (message.by == AMQP_BASIC_GET_OK_METHOD) return fetched(std::move(message));
  if (message.by != AMQP_BASIC_DELIVER_METHOD) return;
  auto const source = static_cast<std::size_t>(std::atoi(message.consumer.c_str()));
  arrive(std::min(source, sources_.size() - 1), std::move(message));
}

void subscriber::arrive(std::size_t source, incoming&& message) {
  ledger_.arrived(message.tag);
  memory_.clear();
  auto a = read_properties(message.properties, memory_);
  entry e;
  e.source = source;
  e.properties = std::move(message.properties);
  e.due = a.due;
  auto& d = e.what;
  d.tag = current_ << tag_bits | message.tag;
  d.queue = sources_[e.source].spec.name;
  d.envelope = std::move(a.envelope);
  d.envelope.body = std::move(message.body);
  d.priority = std::clamp(d.envelope.properties.priority.value_or(0), 0, 9);
  d.attempts = a.attempts;
  d.redelivered = message.redelivered || a.attempts > 0;
  d.exchange = std::move(message.exchange);
  d.routing_key = std::move(message.routing_key);
  fresh_.push_back(std::move(e));
}

steady::time_point subscriber::turn(session& on) {
  if (reopen_)
    if (auto ok = subscribe(on); !ok) return on.abandon(ok.error()), steady::now();
  make_changes(on);
  follow_prefetch(on);
  if (on.broken()) return steady::now();
  if (auto ok = heed_room(on); !ok) return on.abandon(ok.error()), steady::now();
  if (auto ok = heed_pauses(on); !ok) return on.abandon(ok.error()), steady::now();
  for (auto const index : std::exchange(cancelled_, {})) {
    sources_[index].consuming = false;
    if (!takes_from(index) || rests(index)) continue;
    declarer_.forget_queue(sources_[index].queue.str());
    auto ok = declare(index);
    if (ok) ok = consume(on, index);
    if (!ok) return on.abandon(ok.error()), steady::now();
  }
  hand_in(on);
  write_commands(on);
  auto const again = fetch(on);
  if (gathers_acks()) return std::min(again, *gathering_ + ack_linger);
  write_acks(on);
  return again;
}

// Under load an ack waits a moment for others: one that says many costs the server as much as one that says one. Not so
// long that messages run out, and not when there is nothing to wait for.
bool subscriber::gathers_acks() {
  auto const waiting = ledger_.waiting();
  if (waiting == 0 || waiting >= std::max<std::size_t>(share_ / 4, 1) || ledger_.open() == 0) return false;
  auto const now = steady::now();
  if (!gathering_) gathering_ = now;
  return now - *gathering_ < ack_linger;
}

// What has come since the last turn: now due, due soon, or to be sent round by the delay queues.
void subscriber::hand_in(session& on) {
  (void)on;
  if (fresh_.empty()) return;
  auto const now = with_.now();
  batch early;
  {
    std::lock_guard const lock{mutex_};
    for (auto& e : fresh_) {
      if (!queues_.has(e.source) || !keeps(e)) {
        commands_.push_back({e.what.tag, false});
      } else if (!e.due || *e.due <= now) {
        auto const queue = e.source;
        auto const priority = e.what.priority;
        list_.push(queue, priority, std::move(e));
      } else if (*e.due - now <= held_here) {
        due_.emplace(*e.due, std::move(e));
      } else {
        early.push_back(std::move(e));
      }
    }
    changed_.notify_all();
  }
  fresh_.clear();
  if (!early.empty()) send_round(std::move(early));
}

void subscriber::send_round(batch&& early) {
  std::vector<letter> letters;
  for (auto const& e : early) {
    letter l{{sources_[e.source].queue, e.what.envelope, e.what.priority, e.due}, {}, letter::way::delayed};
    if (e.what.attempts > 0) l.added.push_back({own::attempts, e.what.attempts});
    letters.push_back(std::move(l));
  }
  auto shared = std::make_shared<batch>(std::move(early));
  outlet_->post(std::move(letters), [self = weak_from_this(), shared, epoch = current_](expected<void> const& sent) {
    if (auto const me = self.lock()) me->come_round(*shared, epoch, sent.has_value());
  });
}

// Where the delay queues took them, ours are done with. Otherwise they wait here: late is worse than crowded.
void subscriber::come_round(batch& early, std::uint64_t epoch, bool sent) {
  {
    std::lock_guard const lock{mutex_};
    if (epoch != epoch_ || closed_) return;
    for (auto& e : early) {
      if (sent) {
        waiting_octets_ -= e.octets();
        commands_.push_back({e.what.tag, true});
      } else {
        auto const due = *e.due;
        due_.emplace(due, std::move(e));
      }
    }
    changed_.notify_all();
  }
  session_.wake();
}

void subscriber::write_commands(session& on) {
  std::vector<command> all;
  {
    std::lock_guard const lock{mutex_};
    all.swap(commands_);
  }
  constexpr auto mask = (std::uint64_t{1} << tag_bits) - 1;
  for (auto const& c : all) {
    if (c.tag >> tag_bits != current_) continue;
    auto const tag = c.tag & mask;
    if (c.ack) {
      ledger_.settled(tag);
      continue;
    }
    ledger_.rejected(tag);  // written before the acks that follow, which may span it
    amqp_basic_reject_t m{tag, 1};
    on.send(receiving_channel, AMQP_BASIC_REJECT_METHOD, &m);
  }
}

void subscriber::write_acks(session& on) {
  gathering_.reset();
  for (auto const& a : ledger_.take()) {
    amqp_basic_ack_t m{a.tag, a.multiple ? 1 : 0};
    on.send(receiving_channel, AMQP_BASIC_ACK_METHOD, &m);
  }
}

void subscriber::on_method(session& on, std::uint16_t channel, amqp_method_t const& method) {
  if (method.id == AMQP_BASIC_GET_EMPTY_METHOD) return fetched(std::nullopt);
  if (method.id != AMQP_BASIC_CANCEL_METHOD) return;
  if (channel == notice_channel) return on.abandon({errc::unavailable, "RabbitMQ: a stream of lovage's is gone", {}});
  auto const tag = std::string{view(static_cast<amqp_basic_cancel_t const*>(method.decoded)->consumer_tag)};
  auto const index = static_cast<std::size_t>(std::atoi(tag.c_str()));
  if (index >= sources_.size()) return;
  log::warning("RabbitMQ cancelled the consumer of queue " + sources_[index].queue.str() + "; it is set up again");
  cancelled_.push_back(index);
}

// Such as an acknowledgement that took longer than RabbitMQ's consumer_timeout.
void subscriber::on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) {
  if (channel == declarer::channel) return declarer_.on_closed();
  if (channel == notice_channel) return on.abandon({errc::unavailable, "RabbitMQ: " + text, {}});
  log::warning("RabbitMQ closed the consumer's channel: " + text + "; it is set up again",
               {{"code", std::to_string(code)}});
  drop_all();
  declarer_.forget();
  reopen_ = true;
  // Twice at once: no cause that goes away by itself, so not without a pause.
  if (steady::now() - since_ < 1s) on.abandon({errc::unavailable, "RabbitMQ: " + text, {}});
}

void subscriber::on_lost(error_info const& why) {
  drop_all();
  std::lock_guard const lock{mutex_};
  down_ = why;
  changed_.notify_all();
}

void subscriber::on_closing(session& on) {
  write_commands(on);
  write_acks(on);
}

}  // namespace lovage::broker::amqp
