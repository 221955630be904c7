// A subscriber's ear: what was revoked, and which queues rest.
#include "broker/amqp/notices.hpp"
#include "broker/amqp/subscriber.hpp"

#include "core/ids.hpp"
#include "core/log.hpp"

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t notices_ahead = 1'000;
constexpr auto reading_limit = 5s;
constexpr auto pauses_limit = 300ms;
constexpr char const* paused_tag = "paused";

}  // namespace

// Before any message comes, so that none of them is run that was revoked. Without streams a worker works all the same.
void subscriber::listen(session& on) {
  pauses_known_ = false;
  paused_.clear();
  auto const heard = hear_streams(on);
  if (heard || on.broken() || std::exchange(streams_told_, true)) return;
  log::warning("RabbitMQ has no streams for lovage (" + heard.error().text() +
               "): what is revoked is not known to workers that come later, and queues cannot be paused");
}

expected<void> subscriber::hear_streams(session& on) {
  auto const revoked = revoked_stream(), paused = paused_stream();
  for (auto const* s : {&revoked, &paused})
    if (auto ok = declarer_.queue(*s); !ok) return ok;
  if (auto r = on.open_channel(notice_channel); !r.ok()) return fail(fault_of(r, name_));
  amqp_basic_qos_t qos{};
  qos.prefetch_count = notices_ahead;
  auto const limited = on.call(notice_channel, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD);
  if (!limited.ok()) return fail(fault_of(limited, name_));
  mark_ = "mark " + random_uuid().str();
  if (auto ok = write_to(on, notice_channel, revoked.name, mark_); !ok) return ok;
  if (auto ok = read_stream(on, notice_channel, revoked.name, "revoked", "first"); !ok) return ok;
  if (auto ok = read_stream(on, notice_channel, paused.name, paused_tag, "last"); !ok) return ok;
  (void)on.wait([&] { return mark_.empty(); }, deadline::in(reading_limit));
  (void)on.wait([&] { return pauses_known_; }, deadline::in(pauses_limit));  // nothing comes where none ever was
  return {};
}

void subscriber::on_notice(session& on, incoming&& message) {
  amqp_basic_ack_t m{message.tag, 0};
  on.send(notice_channel, AMQP_BASIC_ACK_METHOD, &m);
  if (message.consumer == paused_tag) {
    paused_ = read_names(message.body);
    pauses_known_ = pauses_changed_ = true;
    return;
  }
  if (message.body == mark_) return mark_.clear();
  auto read = read_revocation(message.body);
  if (!read || read->until <= with_.now()) return;
  std::lock_guard const lock{mutex_};
  revoked_.push_back(*std::move(read));
  changed_.notify_all();
}

bool subscriber::rests(std::size_t source) const { return stopped_ || paused_.contains(sources_[source].spec.name); }

expected<void> subscriber::heed_pauses(session& on) {
  if (!std::exchange(pauses_changed_, false)) return {};
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    if (!takes_from(i)) continue;
    auto ok = expected<void>{};
    if (rests(i))
      ok = stop_consuming(on, i);
    else if (!sources_[i].consuming)
      ok = consume(on, i);
    if (!ok) return ok;
  }
  return {};
}

}  // namespace lovage::broker::amqp
