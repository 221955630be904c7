// What the monitor is made of; see the drawing in monitor.hpp.
#pragma once

#include "monitor/event_stream.hpp"
#include "monitor/monitor.hpp"
#include "monitor/outbox.hpp"
#include "monitor/queue_watch.hpp"
#include "monitor/worker_watch.hpp"

#include <lovage/beat.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace lovage::monitor {

/// A thread that does something every so often, until it is stopped. What it does may throw: that is logged.
class ticker {
 public:
  ~ticker() { stop(); }
  void start(std::chrono::milliseconds every, std::function<void()> work);
  /// Does it at once.
  void hurry();
  void stop();

 private:
  void run();
  std::chrono::milliseconds every_{};
  std::function<void()> work_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false, hurry_ = false;
};

/// Whom changes are told.
class subscribers {
 public:
  [[nodiscard]] std::shared_ptr<void> add(std::function<void(change const&)> tell);
  void tell(change const& what);

 private:
  struct one {
    std::mutex mutex;
    std::function<void(change const&)> tell;
  };
  std::mutex mutex_;
  std::vector<std::weak_ptr<one>> all_;
};

class monitor::impl {
 public:
  impl(app& on, monitor_settings with);

  expected<void> start();
  void stop();
  expected<series> chart(std::chrono::seconds span, std::chrono::seconds step, deadline until);
  expected<worker_details> ask_worker(std::string const& name, deadline until);
  expected<std::optional<reason>> why(std::string const& id, deadline until);
  std::vector<alert> recent_alerts();
  std::vector<alert_rule_text> rules();

  std::shared_ptr<detail::app_state> const app_;
  monitor_settings const with_;
  std::unique_ptr<history> kept_;
  subscribers told_;
  std::mutex picture_mutex_;
  std::shared_ptr<snapshot const> picture_ = std::make_shared<snapshot>();
  ticker second_, look_, ask_;

 private:
  static constexpr std::size_t most_pending = 100'000, most_pending_octets = 64 << 20, batch = 5'000;

  void take(std::vector<wire::event> events);  // from the stream's thread
  void note_queue(wire::event& e);
  void write();
  bool write_some(std::vector<wire::event>& events);
  void write_minutes();
  void write_workers();
  void prune();
  void look();
  void look_at_schedule(time_point now);
  void ask();
  void every_second();
  void note_age(queue_picture& q, time_point now);
  std::vector<worker_picture> worker_pictures(time_point now);
  observation observe(snapshot const& of);
  void step_alerts(snapshot& into);
  void tell_alerts();
  void tell_by(way by);
  void load_minutes();
  void load_workers();

  app& on_;
  bool started_ = false;
  event_stream stream_;
  ticker write_, tell_;
  time_point up_since_{};

  std::mutex seen_mutex_;  // guards what follows
  cluster cluster_;
  figures figures_;
  std::map<std::string, queue_traffic> traffic_;
  std::map<std::string, std::string> only_queue_;  // of workers that take from one queue
  std::vector<queue_picture> queues_;
  std::map<std::string, worker_details> details_;
  std::map<std::string, double> late_;
  std::map<std::string, time_point> untaken_;  // queues from which nobody takes: since when messages are seen in them
  bool queues_known_ = false, schedule_known_ = false;
  std::string broker_fault_, history_fault_;
  std::map<time_point, minute> hour_;
  std::uint64_t events_seen_ = 0;
  std::deque<std::uint64_t> seen_each_second_;

  std::mutex pending_mutex_;  // guards what follows
  std::condition_variable room_;
  std::vector<wire::event> pending_;
  std::size_t pending_octets_ = 0, writing_ = 0;
  bool stopping_ = false;

  std::vector<wire::event> unwritten_;  // the writer's own
  time_point next_minutes_{}, next_prune_{}, workers_kept_{};

  std::mutex watch_mutex_;  // guards queue_watch_, which `why` uses too
  queue_watch queue_watch_;
  worker_watch worker_watch_;
  std::unique_ptr<periodic_tasks> schedule_;  // of look's thread
  time_point next_schedule_{};

  std::mutex alerts_mutex_;  // guards what follows
  alerts alerts_;
  std::map<way, outbox> to_tell_;
};

}  // namespace lovage::monitor
