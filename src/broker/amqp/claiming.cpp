// The worker's side of a subscriber: taking and settling.
#include "broker/amqp/subscriber.hpp"

#include "core/ids.hpp"

#include <algorithm>
#include <cstring>

namespace lovage::broker::amqp {
namespace {

constexpr std::size_t longest_reason = 4'096;

/// Never 0, and positive where AMQP's integers are signed.
std::int64_t fresh_id() {
  auto const id = random_uuid();
  std::uint64_t out = 0;
  std::memcpy(&out, id.octets.data(), sizeof out);
  return static_cast<std::int64_t>(out >> 1 | 1);
}

}  // namespace

void subscriber::interrupt() {
  std::lock_guard const lock{mutex_};
  interrupted_ = true;
  changed_.notify_all();
}

bool subscriber::consuming() const {
  if (!session_.running()) return false;
  std::lock_guard const lock{mutex_};
  return subscribed_ && !closed_;
}

std::vector<revocation> subscriber::revoked() {
  std::lock_guard const lock{mutex_};
  return std::exchange(revoked_, {});
}

void subscriber::promote_due() {
  auto const now = with_.now();
  while (!due_.empty() && due_.begin()->first <= now) {
    auto node = due_.extract(due_.begin());
    auto& e = node.mapped();
    auto const queue = e.source;
    auto const priority = e.what.priority;
    list_.push(queue, priority, std::move(e));
  }
}

expected<std::vector<delivery>> subscriber::claim(std::size_t max, deadline until) {
  std::vector<delivery> out;
  std::unique_lock lock{mutex_};
  for (;;) {
    if (closed_) return fail(closed());
    bool const stop = std::exchange(interrupted_, false);
    wanted_ = 0;
    promote_due();
    for (claim_room room{max, allowed_}; room.left(); room.took(out.back())) {
      auto e = list_.take(served_, queues_.picker());
      if (!e) break;
      waiting_octets_ -= e->octets();
      held_.emplace(e->what.tag, held{e->source, e->what.attempts, std::move(e->properties), e->what.envelope.body});
      out.push_back(std::move(e->what));
    }
    if (!out.empty() && crowded_) session_.wake();
    if (!out.empty() || stop || !revoked_.empty() || max == 0 || until.passed()) return out;
    if (!subscribed_ && down_ && down_->code == errc::bad_config) return fail(*down_);
    if (fetches_some()) {
      wanted_ = max;
      session_.wake();
    }
    auto end = until;
    if (!due_.empty()) end = end.sooner(deadline::in(due_.begin()->first - with_.now()));
    if (end.is_never()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, end.when());
    }
  }
}

expected<void> subscriber::settle(std::span<settlement const> what, deadline until) {
  bool away = false;
  {
    std::lock_guard const lock{mutex_};
    if (closed_) return fail(closed());
    for (auto const& s : what) {
      if (s.how == disposition::requeue || s.how == disposition::bury) {
        away = true;
      } else if (held_.erase(s.tag) > 0) {
        commands_.push_back({s.tag, s.how == disposition::done});
      }
    }
  }
  session_.wake();
  return away ? move_away(what, until) : expected<void>{};
}

// Published and confirmed before the original is acknowledged: in between there are two, never none.
expected<void> subscriber::move_away(std::span<settlement const> what, deadline until) {
  std::vector<letter> letters;
  std::vector<std::uint64_t> tags;
  {
    std::lock_guard const lock{mutex_};
    for (auto const& s : what) {
      if (s.how != disposition::requeue && s.how != disposition::bury) continue;
      auto const at = held_.find(s.tag);
      if (at == held_.end()) continue;
      letters.push_back(copy_of(at->second, s));
      tags.push_back(s.tag);
    }
  }
  if (auto sent = outlet_->publish(std::move(letters), until); !sent) return sent;
  {
    std::lock_guard const lock{mutex_};
    for (auto const tag : tags)
      if (held_.erase(tag) > 0) commands_.push_back({tag, true});
  }
  session_.wake();
  return {};
}

letter subscriber::copy_of(held const& h, settlement const& s) const {
  arena memory;
  auto a = read_properties(h.properties, memory);
  auto const& from = sources_[h.source];
  letter out;
  out.what.envelope = std::move(a.envelope);
  out.what.envelope.body = h.body;
  if (s.how == disposition::requeue) {
    out.what.queue = from.queue;
    out.how = letter::way::straight;
    out.added = {{own::attempts, h.attempts + 1}};
    return out;
  }
  out.what.queue = from.spec.name;
  out.how = letter::way::dead;
  auto& expiration = out.what.envelope.properties.expiration;
  out.added = {{own::dead_id, fresh_id()},
               {own::dead_queue, from.spec.name.str()},
               {own::dead_reason, s.reason.substr(0, longest_reason)},
               {own::died_at, with_.now().time_since_epoch().count()},
               {own::attempts, h.attempts}};
  if (!expiration.empty()) out.added.push_back({own::dead_expiration, std::exchange(expiration, {})});
  return out;
}

void subscriber::close() {
  {
    std::lock_guard const lock{mutex_};
    closed_ = true;
    changed_.notify_all();
  }
  session_.stop();
}

}  // namespace lovage::broker::amqp
