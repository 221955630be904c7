// Short jobs on a connection that is made when the first comes.
#pragma once

#include "broker/amqp/content.hpp"
#include "broker/amqp/declarer.hpp"
#include "broker/amqp/publisher.hpp"
#include "broker/amqp/session.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace lovage::broker::amqp {

/// A message that was fetched and is neither acknowledged nor given back yet.
struct fetched {
  std::uint64_t tag = 0;
  arrival head;
  std::string body;
};

/// *Threads*: `run` from any; what a job gets at belongs to the session.
class errands final : public tenant {
 public:
  using job = std::function<expected<void>(errands&)>;

  explicit errands(context const& with);
  ~errands() override { session_.stop(); }

  /// Runs the job in the session's thread, once connected. It may outlive the call when the deadline passes: it must
  /// own what it uses.
  [[nodiscard]] expected<void> run(job what, deadline until);

  // For jobs.
  [[nodiscard]] declarer& declare() noexcept { return declarer_; }
  /// Opens the channel that messages are fetched on. What was fetched by it before is given back.
  [[nodiscard]] expected<void> begin_fetching();
  /// The next messages of a queue; fewer than asked for at its end.
  [[nodiscard]] expected<std::vector<fetched>> fetch(queue_name const& from, std::size_t count);
  /// The newest message of a stream; empty when none comes within `patience`: there is no other sign of an empty one.
  [[nodiscard]] expected<std::string> newest_of(queue_spec const& stream, std::chrono::milliseconds patience);
  void acknowledge(std::uint64_t tag);
  /// Waits until acknowledgements are done with and everything else is given back.
  [[nodiscard]] expected<void> end_fetching();
  /// Which connection this is: tags of another mean nothing.
  [[nodiscard]] std::uint64_t generation() const noexcept { return session_.generation(); }

  // tenant
  expected<void> set_up(session& on) override;
  steady::time_point turn(session& on) override;
  void on_method(session& on, std::uint16_t channel, amqp_method_t const& method) override;
  void on_content(session& on, std::uint16_t channel, incoming&& message) override;
  void on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) override;
  void on_lost(error_info const& why) override;

 private:
  struct posted;

  std::string const where_;
  session session_;
  std::mutex mutex_;  // guards what follows
  std::deque<std::shared_ptr<posted>> waiting_;
  std::optional<error_info> down_;
  bool up_ = false;

  // the session's own
  declarer declarer_;
  arena memory_;
  bool fetching_ = false;
  std::size_t answers_ = 0;
  std::vector<fetched> got_;
};

}  // namespace lovage::broker::amqp
