// Sends messages with publisher confirms over one connection, for any number of threads at once.
//
//   publish --job--> waiting --window, not blocked--> unconfirmed --ack--> done
//                       ^------- connection lost -------|   |--return--> error
//                       '-- after a while -- refused <-nack-'--nack, for too long--> error
#pragma once

#include "broker/amqp/declarer.hpp"
#include "broker/amqp/session.hpp"
#include "broker/transport.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::broker::amqp {

/// What all parts of one transport share.
struct context {
  endpoints to;
  failover strategy = failover::round_robin;
  now_fn now;
  topology queues;
  std::string delay_queue_type;
};

/// An outgoing message of the driver's own.
struct letter {
  enum class way {
    declared,  ///< as `producer::publish` sends: what it needs is declared first
    straight,  ///< to the queue of this very name, which exists
    delayed,   ///< there too, through the delay queues or not at all
    dead,      ///< to the dead set of the queue
  };
  outgoing what;
  value::map added;  ///< further headers
  way how = way::declared;
};

/// *Guarantee*: a message is reported as sent when the server has confirmed it. One that was under way when the
/// connection broke is sent again, and may arrive twice. *Threads*: any.
class publisher final : public tenant {
 public:
  explicit publisher(context with);
  ~publisher() override;

  /// Waits for all confirms. On an error or at the deadline some, all or none may have been sent.
  [[nodiscard]] expected<void> publish(std::span<outgoing const> messages, deadline until);
  [[nodiscard]] expected<void> publish(std::vector<letter> letters, deadline until);
  /// Does not wait; keeps trying for ever. `on_done` is called by the publisher's thread.
  void post(std::vector<letter> letters, std::function<void(expected<void> const&)> on_done);
  void close() { session_.stop(); }

  // tenant
  expected<void> set_up(session& on) override;
  steady::time_point turn(session& on) override;
  void on_method(session& on, std::uint16_t channel, amqp_method_t const& method) override;
  void on_content(session& on, std::uint16_t channel, incoming&& message) override;
  void on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) override;
  void on_lost(error_info const& why) override;

 private:
  struct job;
  struct address;
  struct route {
    std::string exchange, key;
    bool mandatory = true;
    bool delayed = false;  ///< through the delay queues
    bool nowhere = false;  ///< the exchange does not exist, and nobody minds
  };
  struct item {
    std::shared_ptr<job> of = {};
    std::size_t index = 0;
    bool again = false;  ///< was returned once, and its queue declared anew
    bool confirmed = false;
    std::optional<steady::time_point> refused = {};  ///< when first
    std::string exchange = {}, key = {};             ///< where it was sent
    std::optional<error_info> returned = {};
    /// As it was before it was sent; nothing is left in this one.
    [[nodiscard]] item anew() { return {.of = std::move(of), .index = index, .again = again, .refused = refused}; }
  };

  [[nodiscard]] expected<void> run(std::shared_ptr<job> const& one, deadline until);
  void submit(std::shared_ptr<job> one);
  [[nodiscard]] error_info why_late(std::size_t left, std::size_t of) const;
  void collect();
  [[nodiscard]] bool open_confirming(session& on);
  void send_next(session& on);
  [[nodiscard]] expected<route> resolve(address const& to);
  [[nodiscard]] expected<route> resolve_queue(address const& to);
  [[nodiscard]] expected<route> resolve_exchange(address const& to);
  [[nodiscard]] expected<void> encode(session& on, item& i, route const& via);
  void confirm(std::uint64_t tag, bool multiple, bool taken);
  void conclude(item& i, bool taken);
  void refuse(item& i);
  void try_refused_again();
  void finish(item& i, std::optional<error_info> fault);
  void take_back();
  void note_block(std::string const& reason);

  context const with_;
  session session_;

  mutable std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<job>> posted_;
  std::optional<error_info> down_;  ///< why there is no connection
  std::string blocked_;
  bool up_ = false;

  // the session's own
  declarer declarer_;
  arena memory_;
  std::unordered_map<std::string, route> routes_;  ///< of queues that are declared
  std::deque<item> waiting_, unconfirmed_;
  std::deque<std::pair<steady::time_point, item>> refused_;  ///< and when each is tried again, in that order
  std::uint64_t first_tag_ = 1;                              ///< of unconfirmed_.front()
  std::size_t suspects_ = 0;  ///< one of so many made the server close the channel: they go one by one
  bool open_ = false;
};

}  // namespace lovage::broker::amqp
