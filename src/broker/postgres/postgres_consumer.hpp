// The consumer of the PostgreSQL broker.
//
//   claim: look --nothing--> say that we sleep, look again --nothing--> wait for NOTIFY, the next due time, interrupt
//            \--messages--> out
//   keeper (a thread): the session's sign of life, marks of what has begun, dead sessions; connects again
#pragma once

#include "broker/postgres/membership.hpp"
#include "broker/postgres/parts.hpp"
#include "io/signal_flag.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace lovage::broker::postgres_broker {

class postgres_consumer final : public consumer {
 public:
  postgres_consumer(std::shared_ptr<shared> on, consumer_options with);
  ~postgres_consumer() override { close(); }
  /// Registers; once, before all else.
  [[nodiscard]] expected<void> open(deadline until);

  expected<std::vector<delivery>> claim(std::size_t max, deadline until) override;
  expected<void> settle(std::span<settlement const> what, deadline until) override;
  void interrupt() override;
  expected<void> subscribe(queue_spec const& queue, deadline until) override;
  expected<void> unsubscribe(queue_name const& queue, deadline until) override;
  void select(std::span<queue_name const> queues) override;
  void allow(std::size_t octets) override { allowed_ = octets; }
  std::vector<revocation> revoked() override;
  void started(std::uint64_t tag) override { held_.started(tag); }
  [[nodiscard]] bool consuming() const override;
  void close() override;

 private:
  using clock = std::chrono::steady_clock;
  using deliveries = std::vector<delivery>;
  /// A message that may be claimed, not locked.
  struct candidate {
    row_key key;
    std::size_t place = 0, octets = 0;
  };
  /// A row that was claimed and cannot be read.
  struct damage {
    row_key key;
    std::string reason;
  };

  [[nodiscard]] expected<void> connect(deadline until);
  [[nodiscard]] expected<void> free_what_we_do_not_hold(deadline until);
  [[nodiscard]] expected<void> learn_queue(queue_name const& name, deadline until);
  [[nodiscard]] expected<void> listen(deadline until);

  [[nodiscard]] expected<deliveries> look(std::size_t max, deadline until);
  [[nodiscard]] expected<deliveries> look_once(std::size_t max, bool about_to_sleep, deadline until);
  [[nodiscard]] bool asleep() const;
  [[nodiscard]] std::vector<postgres_call> chores(bool about_to_sleep);
  void add_sleep_or_waking(std::vector<postgres_call>& to, bool about_to_sleep);
  void add_claim_or_candidates(std::vector<postgres_call>& to, std::size_t max) const;
  void read_revoked(postgres_rows const& rows);
  void read_next_due(postgres_rows const& rows);
  [[nodiscard]] std::vector<candidate> choose(std::span<postgres_rows const> lanes, std::size_t max);
  [[nodiscard]] expected<deliveries> claim_chosen(std::vector<candidate> const& chosen, deadline until);
  [[nodiscard]] expected<deliveries> accept(postgres_rows const& rows, deadline until);
  [[nodiscard]] deadline next_look(deadline until) const;

  [[nodiscard]] expected<void> settle_once(std::span<settlement const> what, deadline until);
  [[nodiscard]] expected<void> give_back_everything(deadline until);

  void keep();
  void tick();
  void pass_on_what_was_notified();
  void say_once(error_info const& why);

  std::shared_ptr<shared> const on_;
  consumer_options const options_;
  std::atomic<std::size_t> allowed_{unbounded};  ///< octets
  std::atomic<bool> interrupted_{false}, closing_{false};
  std::atomic<clock::rep> heard_{0};
  io::signal_flag wake_;
  holdings held_;
  std::mutex mutex_;  // guards what follows; never held while waiting for messages
  bool closed_ = false;
  line line_;
  membership member_;
  queue_set queues_{options_.order};
  std::vector<std::int64_t> queue_ids_;  ///< by place
  std::vector<std::size_t> served_;      ///< places
  std::vector<std::int64_t> asleep_on_;  ///< queues whose publishers know that we sleep
  int busy_looks_ = 0;                   ///< that found something, one after the other
  clock::time_point promote_at_{}, due_at_ = clock::time_point::max();
  std::vector<revocation> revoked_;
  std::int64_t revoked_seen_ = 0;
  std::string said_;  ///< the keeper's last complaint, until all is well
  std::thread keeper_;
};

}  // namespace lovage::broker::postgres_broker
