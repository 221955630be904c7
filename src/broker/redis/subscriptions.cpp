// The part of the consumer that knows which queues it takes from, and what was revoked.
#include "broker/redis/redis_consumer.hpp"
#include "core/log.hpp"

#include <algorithm>

namespace lovage::broker::redis_broker {
namespace {

bool is_channel(queue_spec const& q) { return q.broadcast || q.exchange_type == "fanout"; }

}  // namespace

void redis_consumer::know(queue_spec queue, int weight) {
  auto const place = set_.add(queue.name, weight);
  if (is_channel(queue)) {
    auto& fed = patterns_[on_->names.channel_pattern(queue.exchange, queue.routing_key)];
    if (std::find(fed.begin(), fed.end(), place) == fed.end()) fed.push_back(place);
  }
  if (place < queues_.size())
    queues_[place] = std::move(queue);
  else
    queues_.push_back(std::move(queue));
}

feed::wishes redis_consumer::wishes() const {
  feed::wishes out;
  for (std::size_t i = 0; i < set_.size(); ++i) {
    if (!set_.has(i) || is_channel(queues_[i])) continue;
    for (auto const step : on_->names.served()) out.watched.push_back(on_->names.list(queue(i), step));
    on_->declare(queues_[i], out.on_connect);
  }
  out.watched.push_back(on_->key.delayed);
  out.watched.push_back(on_->key.paused);
  out.watched.push_back(on_->key.revoked);
  for (auto const& [pattern, places] : patterns_)
    if (std::any_of(places.begin(), places.end(), [&](auto i) { return set_.has(i); })) out.patterns.push_back(pattern);
  return out;
}

// What a claim asks for.
std::vector<std::size_t> redis_consumer::listed() const {
  auto out = set_.served();
  std::erase_if(out, [&](auto i) { return is_channel(queues_[i]); });
  return out;
}

void redis_consumer::select(std::span<queue_name const> queues) {
  std::lock_guard const lock{mutex_};
  set_.select(queues);
}

expected<void> redis_consumer::subscribe(queue_spec const& queue, deadline until) {
  std::lock_guard const lock{mutex_};
  if (set_.find(queue.name)) return {};
  know(queue, 1);
  if (keeper_) keeper_->learn(*set_.find(queue.name), queue.name.str());
  feed_.wish(wishes());
  auto done = feed_.ensure(until, -1);
  if (done) return done;
  set_.remove(queue.name);
  feed_.wish(wishes());
  return done;
}

expected<void> redis_consumer::unsubscribe(queue_name const& queue, deadline until) {
  std::lock_guard const lock{mutex_};
  auto const place = set_.find(queue);
  if (!place) return {};
  if (auto up = feed_.ensure(until, -1); !up) return up;
  if (pending_ && feed_.asked())
    if (auto heard = hear(until); !heard) return heard;
  accept_messages();
  set_.remove(queue);
  feed_.wish(wishes());
  if (auto done = feed_.ensure(until, -1); !done) return done;
  return give_back_ready(*place, until);
}

expected<void> redis_consumer::give_back_ready(std::size_t place, deadline until) {
  std::vector<settlement> back;
  auto const its = [&](delivery const& d) {
    auto const h = ledger_.find(d.tag);
    if (!h || h->queue != place) return false;
    if (h->fanout)  // nobody else can be given it
      ledger_.erase(d.tag);
    else
      back.push_back({d.tag, disposition::release, {}});
    return true;
  };
  std::erase_if(ready_, its);
  return back.empty() ? expected<void>{} : settle_once(back, until);
}

void redis_consumer::note_revoked(rd::reply const& said) {
  auto const& items = said.items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    auto read = read_revocation(items[i].text);
    if (read) revoked_.push_back(*std::move(read));
    revoked_number_ = items[i + 1].text;
  }
}

std::vector<revocation> redis_consumer::revoked() {
  std::lock_guard const lock{mutex_};
  return std::exchange(revoked_, {});
}

}  // namespace lovage::broker::redis_broker
