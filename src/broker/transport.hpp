// The broker plug point. A driver derives from these and is put through tests/conformance/broker_conformance.hpp.
//
//   producer --publish--> [ ready ] --claim--> [ claimed by a session ] --settle(done)--> gone
//                [ delayed ] --due--^   ^---settle(requeue/release), session died---|
//                                        settle(bury), unreadable --> [ dead ] --redrive--> ready
#pragma once

#include "broker/queue_set.hpp"
#include "broker/revocation.hpp"
#include "broker/topology.hpp"
#include "config/connection_settings.hpp"
#include "core/clock.hpp"
#include "wire/envelope.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lovage::broker {

/// A message on its way out.
struct outgoing {
  queue_name queue;
  wire::envelope envelope;
  int priority = 0;               ///< 0-9, 9 is served first; clamped
  std::optional<time_point> due;  ///< not delivered before; absent or past: at once
  /// Where `queue` is empty: to this exchange with this key, to whatever is bound there.
  std::string exchange = {}, routing_key = {};
  /// No queue took it: an error. False for replies, whose reader may have gone; then no queue is made either.
  bool must_route = true;
  /// Where set, the exchange is made before, durable and of this type: for what is broadcast to whoever listens.
  std::string exchange_type = {};
};

/// A message on its way in. `tag` is good for one `settle` on the consumer that handed it out.
struct delivery {
  std::uint64_t tag = 0;
  queue_name queue;
  wire::envelope envelope;
  int priority = 0;
  /// How many times a worker began this message before and did not finish it (0 on a first delivery). A message that
  /// was claimed but not yet started when its worker died is not counted.
  std::uint32_t attempts = 0;
  bool redelivered = false;
  std::string exchange = {}, routing_key = {};  ///< by which it came, where the broker has exchanges
};

enum class disposition {
  done,     ///< remove: acknowledged
  requeue,  ///< give back, counted as an attempt
  release,  ///< give back unstarted, not counted; keeps its place at the front
  bury,     ///< move to the dead set with `reason`
};

struct settlement {
  std::uint64_t tag = 0;
  disposition how = disposition::done;
  std::string reason;  ///< for bury
};

/// For drivers without exchanges: error `not_supported` when a message goes to one.
[[nodiscard]] inline expected<void> queues_only(std::span<outgoing const> messages) {
  for (auto const& m : messages)
    if (m.queue.empty())
      return fail(errc::not_supported, "this broker knows queues but no exchanges; name a queue", m.exchange);
  return {};
}

/// Sends. *Threads*: any, concurrently.
class producer {
 public:
  virtual ~producer() = default;
  /// All or nothing where `traits::atomic_batches`, else in order up to the first error. Returns when every message
  /// is as durable as the transport makes it.
  /// Errors: `timeout`/`unavailable` (locked, unreachable, refused, or no queue takes it), `no_space`, `bad_config` (no
  /// such queue, and none may be made), `not_supported` (an exchange where `traits::exchanges` is false and no inbox is
  /// bound to it).
  [[nodiscard]] virtual expected<void> publish(std::span<outgoing const> messages, deadline until) = 0;
};

/// No bound for octets.
inline constexpr std::size_t unbounded = std::numeric_limits<std::size_t>::max();

/// How much more a claim may hand out: so many messages, and octets of bodies until the one that reaches the bound.
class claim_room {
 public:
  claim_room(std::size_t messages, std::size_t octets)
      : messages_{messages}, octets_{std::max<std::size_t>(octets, 1)} {}
  [[nodiscard]] bool left() const noexcept { return messages_ > 0 && octets_ > 0; }
  void took(delivery const& d) {
    --messages_;
    octets_ -= std::min(octets_, d.envelope.body.size());
  }

 private:
  std::size_t messages_, octets_;
};

/// Receives for one session. *Threads*: `claim`, `settle`, `subscribe`, `unsubscribe` and `select` from one thread; the
/// others from any.
class consumer {
 public:
  virtual ~consumer() = default;
  /// Waits until at least one message is there, and takes at most `max`: highest priority first, then oldest, over all
  /// subscribed queues in turn, or as `consumer_options::order` says. Empty at the deadline, after `interrupt`, and
  /// when `revoked` has something new.
  [[nodiscard]] virtual expected<std::vector<delivery>> claim(std::size_t max, deadline until) = 0;
  /// All of them in one step. A tag whose lease was lost is skipped (the message lives elsewhere now).
  [[nodiscard]] virtual expected<void> settle(std::span<settlement const> what, deadline until) = 0;
  /// Makes the running or next `claim` return at once.
  virtual void interrupt() = 0;
  /// Takes from this queue too, made as its spec says; nothing when it does already. Errors: as of `make_consumer`.
  [[nodiscard]] virtual expected<void> subscribe(queue_spec const& queue, deadline until) = 0;
  /// Takes nothing more from it. What the broker sent ahead of `claim` is given back; what was claimed stays, to be
  /// settled as ever. Nothing when it does not take from it.
  [[nodiscard]] virtual expected<void> unsubscribe(queue_name const& queue, deadline until) = 0;
  /// The next claims take from these of the subscribed queues alone; empty: from all. *Threads*: that of `claim`.
  /// On brokers that answer ahead (Redis), what was asked for before may come once more.
  virtual void select(std::span<queue_name const> queues) = 0;
  /// The broker may push as many ahead of `claim` from now on, all queues together; less than before changes nothing.
  virtual void widen(std::size_t prefetch) { (void)prefetch; }
  /// The worker has room for so many octets of bodies: the next claims end with the message that reaches it, and what a
  /// broker pushes ahead stays within it. `unbounded` to begin with; zero: a claim hands out one message.
  virtual void allow(std::size_t octets) = 0;
  /// A broker that pushes may send so many messages of this queue ahead of `claim`; zero: none, each is fetched for a
  /// claim that waits, and what came unclaimed is given back.
  virtual void ahead(queue_name const& queue, std::size_t most) { (void)queue, (void)most; }
  /// What was revoked since the last call, oldest first; at the first call all that the broker knows. Whatever was
  /// revoked before a message was claimed is in it once `claim` has returned that. *Threads*: that of `claim`.
  [[nodiscard]] virtual std::vector<revocation> revoked() { return {}; }
  /// The message has begun to run: from now on the death of this process counts as an attempt. Cheap; no I/O.
  virtual void started(std::uint64_t tag) { (void)tag; }
  /// True while messages reach this consumer: connected, subscribed, and heard of within the heartbeat. *Threads*: any.
  [[nodiscard]] virtual bool consuming() const { return true; }
  /// Gives back everything unsettled (release) and ends the session. May come twice.
  virtual void close() = 0;
};

/// So many messages wait in an inbox of `memory://`, and as many of what is broadcast in one of SQLite or PostgreSQL.
inline constexpr std::size_t inbox_holds = 10'000;

/// Takes messages for good, unacknowledged: replies, and what is broadcast to programs. *Threads*: one at a time,
/// `interrupt` from any.
class inbox {
 public:
  virtual ~inbox() = default;
  /// Waits for at least one; empty at the deadline or after `interrupt`. A connection lost meanwhile is made again, and
  /// what was sent before it came back may be lost: whoever needs more asks again.
  [[nodiscard]] virtual expected<std::vector<wire::envelope>> take(deadline until) = 0;
  virtual void interrupt() = 0;
};

struct queue_info {
  queue_name name;
  std::uint64_t ready = 0, delayed = 0, claimed = 0, dead = 0;
};

struct dead_message {
  std::uint64_t id = 0;  ///< to show, redrive or purge it
  queue_name queue;
  wire::envelope envelope;
  std::string reason;
  time_point died_at;
  std::uint32_t attempts = 0;
};

/// Looks and mends. *Threads*: any.
class inspector {
 public:
  virtual ~inspector() = default;
  [[nodiscard]] virtual expected<std::vector<queue_info>> queues() = 0;
  /// Removes ready and delayed messages of a queue (claimed ones stay); number removed.
  [[nodiscard]] virtual expected<std::uint64_t> purge(queue_name const& queue) = 0;
  /// Oldest first. Empty `queue`: all queues.
  [[nodiscard]] virtual expected<std::vector<dead_message>> dead(queue_name const& queue, std::size_t max) = 0;
  [[nodiscard]] virtual expected<std::optional<dead_message>> dead_one(std::uint64_t id) = 0;
  /// Back to their queue with attempts 0; empty `ids`: all of `queue` (empty: of every queue). Number moved.
  [[nodiscard]] virtual expected<std::uint64_t> redrive(queue_name const& queue,
                                                        std::span<std::uint64_t const> ids) = 0;
  [[nodiscard]] virtual expected<std::uint64_t> purge_dead(queue_name const& queue,
                                                           std::span<std::uint64_t const> ids) = 0;
  /// Tells all consumers, those too that come before it is over. The newest 50,000 are kept. Error `not_supported`
  /// without `traits::revocations`.
  [[nodiscard]] virtual expected<void> revoke(std::span<revocation const> what) {
    (void)what;
    return fail(errc::not_supported, "this broker keeps no revocations");
  }
  /// From now on nobody takes from the queue, until `resume`; what is claimed goes on. Both may come twice. Error
  /// `not_supported` without `traits::pauses`.
  [[nodiscard]] virtual expected<void> pause(queue_name const& queue) {
    return fail(errc::not_supported, "this broker cannot pause a queue", queue.str());
  }
  [[nodiscard]] virtual expected<void> resume(queue_name const& queue) {
    return fail(errc::not_supported, "this broker cannot pause a queue", queue.str());
  }
  /// By name.
  [[nodiscard]] virtual expected<std::vector<queue_name>> paused() { return std::vector<queue_name>{}; }
};

/// So many revocations are kept.
inline constexpr std::size_t revocations_kept = 50'000;

/// What a driver can do; asked for, never guessed.
struct traits {
  bool atomic_batches = false;  ///< publish is all or nothing
  bool delayed = false;         ///< keeps messages until due
  bool priorities = false;
  bool dead_set = false;
  bool cross_process = false;    ///< another process on the same URL sees the messages
  bool exchanges = false;        ///< topic, fanout and broadcast
  bool inboxes = false;          ///< `make_inbox` works
  bool keeps_place = true;       ///< a requeued message stays in front of younger ones
  bool counts_deaths = true;     ///< a message counts an attempt when its worker dies
  bool counts_delayed = true;    ///< `queue_info::delayed` is known, and `purge` finds those
  bool counts_claimed = true;    ///< `queue_info::claimed` is known
  bool clock_of_server = false;  ///< whether a message is due is decided by the server's clock
  /// Messages are sent ahead of `claim`, which then chooses among what has arrived; those are not `ready` any more.
  bool pushes = false;
  /// A reply whose reader has gone is kept for a day; else it is dropped.
  bool keeps_unread_replies = false;
  bool revocations = false;  ///< `inspector::revoke` and `consumer::revoked` work
  bool pauses = false;       ///< `inspector::pause` works
};

struct consumer_options {
  std::vector<queue_name> queues;
  std::string session_name;  ///< node name, for humans
  std::size_t prefetch = 0;  ///< most messages that a broker may push ahead of `claim`; zero: no limit
  std::size_t slots = 0;     ///< messages that may be at work at once, all of them from one queue; zero: not known
  bool fetches = false;      ///< nothing is pushed ahead, until `consumer::ahead` says otherwise
  queue_order order = queue_order::fair;
  std::vector<int> weights = {};  ///< of `queues`, for `weighted`; missing ones are 1

  [[nodiscard]] int weight(std::size_t place) const { return place < weights.size() ? std::max(1, weights[place]) : 1; }
};

/// What a driver is made of.
struct settings {
  connection_settings connection;
  now_fn now = system_now;
  topology queues;
  std::string delay_queue_type = "quorum";  ///< `broker_native_delayed_delivery_queue_type`
};

/// The settings of these URLs, all else as by default.
[[nodiscard]] inline settings at(std::string urls, now_fn now = system_now) {
  settings out;
  out.connection.urls = std::move(urls);
  out.now = std::move(now);
  return out;
}

/// One broker URL. *Threads*: any. Outlives what it makes.
class transport {
 public:
  virtual ~transport() = default;
  [[nodiscard]] virtual traits abilities() const = 0;
  [[nodiscard]] virtual expected<std::unique_ptr<producer>> make_producer(deadline until) = 0;
  [[nodiscard]] virtual expected<std::unique_ptr<consumer>> make_consumer(consumer_options options, deadline until) = 0;
  [[nodiscard]] virtual expected<std::unique_ptr<inspector>> make_inspector(deadline until) = 0;
  /// Makes the queue of this spec, bound as it says, and takes from it. Error `not_supported` without
  /// `traits::inboxes`.
  [[nodiscard]] virtual expected<std::unique_ptr<inbox>> make_inbox(queue_spec const& queue, deadline until) {
    (void)queue, (void)until;
    return fail(errc::not_supported, "this broker has no reply queues");
  }
};

}  // namespace lovage::broker
