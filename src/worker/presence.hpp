// A worker among others: what it tells of itself and hears of them.
#pragma once

#include "core/lamport.hpp"
#include "worker/consumer.hpp"
#include "worker/event_sender.hpp"
#include "worker/gossip_listener.hpp"
#include "worker/plan.hpp"

#include <lovage/worker.hpp>

namespace lovage::work {

/// *Threads*: one, but for `events`. *Lifetime*: what it is given outlives it.
class presence {
 public:
  presence(detail::app_state& app, worker_plan const& plan, worker_options const& options, lamport_clock& clock);
  presence(presence const&) = delete;
  presence& operator=(presence const&) = delete;

  [[nodiscard]] event_sender& events() noexcept { return events_; }
  [[nodiscard]] gossip_listener& others() noexcept { return others_; }
  /// Makes a consumer of these tell what becomes of tasks.
  void connect(execute::policy& policy, consumer_options& options);

  /// While it lives, heartbeats say what this consumer does; then nothing is told any more.
  class use {
   public:
    use(presence& of, consumer const& source) : of_{of} { of_.source_ = &source; }
    ~use() { of_.stop(); }
    use(use const&) = delete;
    use& operator=(use const&) = delete;

   private:
    presence& of_;
  };

  /// Once the broker is there.
  void start();
  void stop();

 private:
  [[nodiscard]] vitals now() const;
  void say_hello();

  detail::app_state& app_;
  lamport_clock& clock_;
  std::string const node_;
  bool const gossip_, mingle_;
  std::atomic<consumer const*> source_{nullptr};
  event_sender events_;
  gossip_listener others_;
};

}  // namespace lovage::work
