// A consumer's connection: what it is sent waits here for `claim`, what was settled waits here to be written.
//
//   RabbitMQ --deliver--> [ list ] --claim--> held by the worker --settle--> acks, in runs
//                 | due soon: [ due ]   ^        requeue, bury: a copy is published and confirmed, then acked
//                 | due later: into the delay queues, then acked
#pragma once

#include "broker/amqp/ack_ledger.hpp"
#include "broker/amqp/content.hpp"
#include "broker/amqp/declarer.hpp"
#include "broker/amqp/delivery_list.hpp"
#include "broker/amqp/publisher.hpp"
#include "broker/amqp/session.hpp"
#include "broker/queue_set.hpp"
#include "broker/transport.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <vector>

namespace lovage::broker::amqp {

inline constexpr std::uint16_t receiving_channel = 1, notice_channel = 3;

/// *Threads*: as `broker::consumer`. Callbacks of the publisher may outlive its owner: make it by make_shared.
class subscriber final : public tenant, public std::enable_shared_from_this<subscriber> {
 public:
  subscriber(context const& with, std::shared_ptr<publisher> outlet, std::vector<queue_spec> queues,
             consumer_options options);
  ~subscriber() override;

  void start() { session_.start(); }
  [[nodiscard]] expected<void> wait_until_subscribed(deadline until);
  [[nodiscard]] expected<std::vector<delivery>> claim(std::size_t max, deadline until);
  [[nodiscard]] expected<void> settle(std::span<settlement const> what, deadline until);
  [[nodiscard]] expected<void> add(queue_spec const& queue, deadline until);
  [[nodiscard]] expected<void> remove(queue_name const& queue, deadline until);
  void select(std::span<queue_name const> queues);
  [[nodiscard]] std::vector<revocation> revoked();
  void widen(std::size_t prefetch);
  void allow(std::size_t octets);
  void ahead(queue_name const& queue, std::size_t most);
  void interrupt();
  [[nodiscard]] bool consuming() const;
  void close();

  // tenant
  expected<void> set_up(session& on) override;
  steady::time_point turn(session& on) override;
  void on_method(session& on, std::uint16_t channel, amqp_method_t const& method) override;
  void on_content(session& on, std::uint16_t channel, incoming&& message) override;
  void on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) override;
  void on_lost(error_info const& why) override;
  void on_closing(session& on) override;

 private:
  struct source {
    queue_spec spec;                                  ///< as the user named it
    queue_name queue;                                 ///< as it is called at the broker: a broadcast's own differs
    bool consuming = false;                           ///< the session's own
    std::optional<std::size_t> ahead = std::nullopt;  ///< so many are pushed; zero: fetched; nothing: its share
    bool tuned = false;                               ///< `ahead` is new
  };
  /// A message here, with what is needed to make a copy of it.
  struct entry {
    delivery what;
    std::size_t source = 0;
    std::string properties;  ///< as they came
    std::optional<time_point> due;

    [[nodiscard]] std::size_t octets() const noexcept { return what.envelope.body.size(); }
  };
  struct held {
    std::size_t source = 0;
    std::uint32_t attempts = 0;
    std::string properties, body;
  };
  struct command {
    std::uint64_t tag = 0;
    bool ack = true;  ///< else give back
  };
  using batch = std::vector<entry>;
  /// A queue to be taken from, or not any more: done by the session, waited for by the worker.
  struct change {
    queue_spec queue;
    bool add = true, done = false, abandoned = false;
    expected<void> result = {};
  };

  void know(queue_spec queue, int weight);
  [[nodiscard]] std::uint16_t prefetch_of(std::size_t source);
  [[nodiscard]] std::size_t slots_of(std::size_t wanted) const;
  [[nodiscard]] std::size_t prefetch_now() const;
  void follow_prefetch(session& on);
  [[nodiscard]] bool is_tuned(std::size_t source);
  [[nodiscard]] bool is_fetched(std::size_t source) const;
  steady::time_point fetch(session& on);
  void fetched(std::optional<incoming>&& message);
  void arrive(std::size_t source, incoming&& message);
  [[nodiscard]] bool keeps(entry const& e);
  [[nodiscard]] expected<void> heed_room(session& on);
  [[nodiscard]] expected<void> cancel(session& on, std::size_t source);
  [[nodiscard]] expected<void> make(std::shared_ptr<change> const& what, deadline until);
  void make_changes(session& on);
  [[nodiscard]] expected<void> add_source(session& on, queue_spec const& queue);
  [[nodiscard]] expected<void> drop_source(session& on, queue_name const& queue);
  void give_back(std::size_t source);
  void listen(session& on);
  [[nodiscard]] expected<void> hear_streams(session& on);
  void on_notice(session& on, incoming&& message);
  [[nodiscard]] bool rests(std::size_t source) const;
  [[nodiscard]] expected<void> heed_pauses(session& on);
  [[nodiscard]] expected<void> stop_consuming(session& on, std::size_t source);
  [[nodiscard]] std::vector<std::shared_ptr<change>> changes();
  void finish(change& what, expected<void> result);
  [[nodiscard]] bool takes_from(std::size_t source) const;
  [[nodiscard]] expected<void> declare(std::size_t source);
  [[nodiscard]] expected<void> subscribe(session& on);
  [[nodiscard]] expected<void> consume(session& on, std::size_t source);
  void drop_all();
  void write_commands(session& on);
  [[nodiscard]] bool gathers_acks();
  void write_acks(session& on);
  void hand_in(session& on);
  void send_round(batch&& early);
  void come_round(batch& early, std::uint64_t epoch, bool sent);
  [[nodiscard]] bool fetches_some() const;
  void promote_due();
  [[nodiscard]] letter copy_of(held const& h, settlement const& s) const;
  [[nodiscard]] expected<void> move_away(std::span<settlement const> what, deadline until);
  [[nodiscard]] error_info closed() const;

  context const with_;
  std::shared_ptr<publisher> const outlet_;
  consumer_options const options_;
  std::size_t prefetch_ = 0;  ///< guarded by mutex_; zero: no limit
  std::string const name_;
  std::deque<source> sources_;  ///< changed by the session, under `mutex_`
  session session_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  queue_set queues_;                 ///< by source
  std::vector<std::size_t> served_;  ///< sources
  std::vector<std::shared_ptr<change>> changes_;
  delivery_list<entry> list_;
  std::multimap<time_point, entry> due_;
  std::unordered_map<std::uint64_t, held> held_;
  std::vector<command> commands_;
  std::optional<error_info> down_;
  std::vector<revocation> revoked_;
  std::size_t wanted_ = 0;                       ///< by a claim that waits
  std::size_t allowed_ = unbounded, bound_ = 0;  ///< octets that the worker has room for, now and at best
  std::size_t waiting_octets_ = 0;               ///< in list_ and due_, and on the way round
  std::size_t fits_ = unbounded;                 ///< messages of which it was learnt that the room holds them
  bool crowded_ = false;                         ///< more came than there was room for
  bool subscribed_ = false, interrupted_ = false, closed_ = false;
  std::uint64_t epoch_ = 0;  ///< of the subscription: the high bits of its tags

  // the session's own
  declarer declarer_;
  ack_ledger ledger_;
  arena memory_;
  std::vector<entry> fresh_;
  std::vector<std::size_t> cancelled_;
  std::uint64_t current_ = 0;  ///< epoch_, for the session alone
  steady::time_point since_{};
  std::optional<steady::time_point> gathering_;  ///< since when acks wait for others
  bool reopen_ = false;
  std::size_t consumed_with_ = 0;     ///< prefetch_, when the consumers were made
  double mean_octets_ = 0;            ///< of late
  bool stopped_ = false;              ///< nothing is consumed, because it is crowded
  queue_picker turns_;                ///< of fetching
  std::optional<std::size_t> asked_;  ///< the source of which a message is being fetched
  std::set<std::size_t> bare_;        ///< sources that had none
  steady::time_point next_look_{};
  std::chrono::milliseconds look_wait_{0};
  std::uint16_t share_ = 1;  ///< least prefetch of a queue
  std::set<queue_name> paused_;
  std::string mark_;  ///< ours in the stream of revocations; empty: it has come
  bool pauses_known_ = false, pauses_changed_ = false, streams_told_ = false;
};

}  // namespace lovage::broker::amqp
