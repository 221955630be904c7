// The thread of a relay: takes from the source, sends to the target, and settles what the target has confirmed.
//
//      source --claim--> waiting --publish--> target
//        ^                  |                    | confirmed
//        +----settle--------+--------------------+
#pragma once

#include "app/app_state.hpp"
#include "worker/fault_log.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace lovage::relaying {

/// What can be said of it from outside.
struct forwarder_state {
  bool ready = false;                              ///< messages are taken
  std::string trouble;                             ///< why nothing goes on at present
  std::uint64_t forwarded = 0;                     ///< confirmed by the target
  std::uint64_t refused = 0;                       ///< put into the source's dead set
  std::uint64_t failures = 0;                      ///< of publishing
  std::chrono::steady_clock::time_point turned{};  ///< when it last came round
};

/// *Threads*: `run` one; `stop` and `state` any.
class forwarder {
 public:
  /// `queues` empty: all that the source knows, and those that come later.
  forwarder(std::shared_ptr<detail::app_state> source, std::shared_ptr<detail::app_state> target,
            std::vector<std::string> queues, std::size_t batch);

  /// Until `stop`. Errors: what cannot be connected to, ever.
  [[nodiscard]] expected<void> run();
  void stop();
  [[nodiscard]] forwarder_state state() const;

 private:
  using clock = std::chrono::steady_clock;

  [[nodiscard]] expected<void> connect();
  [[nodiscard]] expected<void> open(deadline until);
  [[nodiscard]] expected<std::vector<queue_name>> known_queues();
  [[nodiscard]] bool follow_queues();
  [[nodiscard]] bool take(deadline until);
  [[nodiscard]] bool send();
  [[nodiscard]] bool send_one_by_one();
  void settle_as(broker::delivery const& d, broker::disposition how, std::string reason = {});
  [[nodiscard]] bool settle();
  void turn();
  void failed(char const* what, error_info const& why);
  void works();
  void pause();

  std::shared_ptr<detail::app_state> const source_app_, target_app_;
  std::vector<std::string> const queues_;
  std::size_t const batch_;

  std::shared_ptr<broker::transport> source_on_;
  std::unique_ptr<broker::consumer> source_;  ///< set under the lock
  std::unique_ptr<broker::inspector> look_;
  std::shared_ptr<broker::producer> target_;
  bool buries_ = false;  ///< the source has a dead set
  std::set<std::string> taken_;
  clock::time_point next_look_{};
  std::vector<broker::delivery> waiting_;        ///< claimed, and not yet with the target
  std::vector<broker::settlement> settlements_;  ///< with the target, and not yet settled
  work::fault_log faults_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  forwarder_state said_;
};

}  // namespace lovage::relaying
