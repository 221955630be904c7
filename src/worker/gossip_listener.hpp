// Hears the other workers, and does what `gossip` makes of it.
#pragma once

#include "app/event_receiver.hpp"
#include "core/lamport.hpp"
#include "worker/event_sender.hpp"
#include "worker/fault_log.hpp"
#include "worker/gossip.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace lovage::work {

/// *Threads*: `start` and `stop` belong to one thread; `elect` is for any. *Lifetime*: what it is given outlives
/// `stop`.
class gossip_listener {
 public:
  gossip_listener(detail::app_state& app, lamport_clock& clock, event_sender& events, std::string node);
  ~gossip_listener();
  gossip_listener(gossip_listener const&) = delete;
  gossip_listener& operator=(gossip_listener const&) = delete;

  /// `first` is done by its thread before it listens.
  void start(std::function<void()> first = {}, bool listen = true);
  /// May come first, may come twice.
  void stop();
  /// Takes part in an election (remote control's command of that name).
  void elect(std::string const& id, std::string const& topic, value const& action);

  /// It was told to stop. *Threads*: any.
  [[nodiscard]] bool stopping();

 private:
  void run(std::function<void()> const& first, bool listen);
  [[nodiscard]] bool open();
  void hear();
  void act(gossip_step&& step);
  void apply(value const& action);

  detail::app_state& app_;
  lamport_clock& clock_;
  event_sender& events_;
  fault_log faults_;  // the thread's own
  std::thread thread_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  gossip state_;
  std::unique_ptr<detail::event_receiver> from_;
  bool stop_ = false;
};

}  // namespace lovage::work
