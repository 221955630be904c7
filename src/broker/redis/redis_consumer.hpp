// One session that receives; see feed.hpp for how it waits and keeper.hpp for its lease.
#pragma once

#include "broker/redis/element.hpp"
#include "broker/redis/feed.hpp"
#include "broker/redis/keeper.hpp"
#include "broker/redis/ledger.hpp"
#include "broker/redis/lost.hpp"
#include "broker/redis/parts.hpp"
#include "io/signal_flag.hpp"

#include <deque>
#include <map>

namespace lovage::broker::redis_broker {

class redis_consumer final : public consumer {
 public:
  redis_consumer(std::shared_ptr<shared> on, consumer_options with, std::vector<queue_spec> queues);
  ~redis_consumer() override { close(); }
  [[nodiscard]] expected<void> open(deadline until);

  expected<std::vector<delivery>> claim(std::size_t max, deadline until) override;
  expected<void> settle(std::span<settlement const> what, deadline until) override;
  expected<void> subscribe(queue_spec const& queue, deadline until) override;
  expected<void> unsubscribe(queue_name const& queue, deadline until) override;
  void select(std::span<queue_name const> queues) override;
  std::vector<revocation> revoked() override;
  void allow(std::size_t octets) override { allowed_ = octets; }
  void interrupt() override { interrupted_.raise(); }
  void started(std::uint64_t tag) override { ledger_.started(tag); }
  [[nodiscard]] bool consuming() const override { return feed_.up() && keeper_ && keeper_->heard(); }
  void close() override;

 private:
  /// A claim that was asked for; its tags begin with `first`.
  struct request {
    std::uint64_t first = 0;
    std::size_t max = 0;
    bool watches = false, whole = false;
    std::vector<std::size_t> places = {};  ///< of the queues it was asked for
  };
  using deliveries = std::vector<delivery>;
  using replies = std::vector<rd::reply>;

  void know(queue_spec queue, int weight);
  [[nodiscard]] feed::wishes wishes() const;
  [[nodiscard]] std::vector<std::size_t> listed() const;
  [[nodiscard]] std::vector<std::string> claim_words(request const& r);
  [[nodiscard]] std::size_t first_queue(std::vector<std::size_t> const& of);
  [[nodiscard]] expected<void> give_back_ready(std::size_t place, deadline until);
  void note_revoked(rd::reply const& said);
  [[nodiscard]] std::string const& queue(std::size_t place) const { return queues_[place].name.str(); }
  [[nodiscard]] std::string name(std::uint64_t tag, std::size_t place) const;

  // claiming
  [[nodiscard]] expected<deliveries> look(std::size_t max, deadline until);
  [[nodiscard]] expected<void> ask(request r, deadline until);
  [[nodiscard]] expected<void> hear(deadline until);
  [[nodiscard]] expected<void> digest(request const& asked, replies&& said, deadline until);
  void accept(std::uint64_t tag, std::size_t place, int step, std::string_view text);
  void accept_messages();
  [[nodiscard]] expected<void> recover(deadline until);
  [[nodiscard]] expected<void> recover(request const& lost, deadline until);
  [[nodiscard]] expected<void> do_chores(deadline until);
  [[nodiscard]] expected<void> rest(deadline until);
  [[nodiscard]] deliveries hand_out(std::size_t max);

  // settling
  [[nodiscard]] expected<void> settle_once(std::span<settlement const> what, deadline until);
  [[nodiscard]] expected<void> acknowledge(std::vector<std::string> const& names, deadline until);
  [[nodiscard]] expected<moves> moves_for(std::vector<std::pair<settlement, held>> const& what, deadline until);
  void add_move(settlement const& s, held const& h, rd::reply const& value, moves& to) const;
  [[nodiscard]] expected<void> settle_message(settlement const& s, held const& h, deadline until);
  [[nodiscard]] expected<void> give_back_everything(deadline until);
  [[nodiscard]] expected<rd::reply> eval(rd::script const& what, std::vector<std::string_view> const& keys,
                                         std::vector<std::string_view> const& arguments, deadline until);

  std::shared_ptr<shared> on_;
  consumer_options const options_;
  queue_set set_{options_.order};
  std::deque<queue_spec> queues_;                             ///< by place
  std::map<std::string, std::vector<std::size_t>> patterns_;  ///< channel pattern: places of the queues it feeds
  std::string const session_;

  io::signal_flag interrupted_;
  std::atomic<bool> closing_{false};
  std::atomic<std::size_t> allowed_{unbounded};  ///< octets
  ledger ledger_;
  std::unique_ptr<keeper> keeper_;

  std::mutex mutex_;  // guards what follows; held while a claim waits, which `closing_` ends
  bool closed_ = false;
  feed feed_;
  std::uint64_t next_tag_ = 1;
  std::size_t turn_ = 0;
  bool want_watch_ = false;
  std::optional<time_point> next_due_;
  std::optional<request> pending_;
  std::vector<request> unknown_;  ///< asked over a connection that broke
  moves chores_;                  ///< what came and is not for our caller: unreadable, or not due yet
  std::vector<std::uint64_t> chore_tags_;
  std::deque<delivery> ready_;
  std::vector<revocation> revoked_;
  std::string revoked_number_ = "0";  ///< of the last one that is known
};

}  // namespace lovage::broker::redis_broker
