// A consumer's keeper: its sign of life, and the care for what others left behind.
#pragma once

#include "broker/redis/ledger.hpp"
#include "broker/redis/parts.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace lovage::broker::redis_broker {

/// From construction to `stop` a thread of its own, with a connection of its own,
///  - renews the lease of all that the ledger holds, three times per lease, or per visibility timeout where that is
///    shorter: Python workers go by it;
///  - writes down which tasks run that have run for some hundredths of a second, so that their worker's death counts;
///  - gives back what lovage workers held whose lease has run out, and what Python workers held for longer than the
///    visibility timeout.
/// It gives nothing back before it has itself renewed without a gap for half a lease: after an outage of the server,
/// all leases look old, and whoever comes back first must not take what the living hold.
class keeper {
 public:
  keeper(std::shared_ptr<shared> on, std::string session, std::vector<std::string> queues, ledger& of);
  ~keeper() { stop(); }
  keeper(keeper const&) = delete;
  keeper& operator=(keeper const&) = delete;

  void stop();
  /// The queue at this place of the ledger's. *Threads*: any.
  void learn(std::size_t place, std::string queue);
  /// The server answered it within the heartbeat, and takes writes. *Threads*: any.
  [[nodiscard]] bool heard() const;

 private:
  using clock = std::chrono::steady_clock;
  [[nodiscard]] std::string queue(std::size_t place) const;
  void run();
  void tick();
  [[nodiscard]] expected<void> look();
  [[nodiscard]] expected<void> renew();
  [[nodiscard]] bool write_marks(clock::time_point since);
  [[nodiscard]] expected<void> reap_now_and_then();
  void say_once(std::string const& what, error_info const& why);

  std::shared_ptr<shared> on_;
  std::string const session_;
  mutable std::mutex mutex_;  // guards queues_
  std::vector<std::string> queues_;
  ledger& ledger_;
  std::unique_ptr<rd::client> client_;
  std::chrono::milliseconds const lease_, pace_, heartbeat_;  ///< what is renewed lasts for a pace
  std::atomic<clock::rep> heard_;
  clock::time_point renewed_{}, ticked_{}, sound_since_, restored_{};
  std::string marks_;
  std::string said_;  ///< the last complaint, until all is well
  std::thread thread_;
};

}  // namespace lovage::broker::redis_broker
