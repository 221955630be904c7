// What the threads of the coroutine pool and its open jobs share.
#pragma once

#include "pool/coroutine_pool.hpp"
#include "pool/loop_watch.hpp"

#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace lovage::pool {

struct coroutine_pool::shared : std::enable_shared_from_this<shared> {
  using clock = std::chrono::steady_clock;
  enum class stage { fresh, running, draining, over };

  std::mutex m;
  std::condition_variable work, outgoing, settled;
  std::deque<job> waiting;
  std::deque<std::function<void()>> called;  ///< what jobs have the opener run
  std::vector<event> outbox;
  std::unordered_map<std::uint64_t, std::shared_ptr<open_job>> running;
  std::multimap<clock::time_point, std::uint64_t> limits;  ///< soft limits to come, of jobs that may be over
  std::size_t concurrency = 0;
  stage now = stage::fresh;
  bool opening = false, opener_ended = false, delivery_ends = false;
  sighting opens;  ///< while `opening`
  loop_watch loops;
  opener open;
  event_sink sink;
  int const pid = static_cast<int>(::getpid());

  class job_on;

  void open_loop();
  void open_next(std::unique_lock<std::mutex>& lock);
  void run_called(std::unique_lock<std::mutex>& lock);
  bool call(std::function<void()> f);
  void deliver_loop();
  void tell_expired(std::unique_lock<std::mutex>& lock);
  std::vector<sighting> look();
  void put(event&& e);
  void finished(event&& e);
};

class coroutine_pool::shared::job_on final : public open_job {
 public:
  job_on(std::shared_ptr<shared> of, job const& what)
      : of_{std::move(of)}, id_{what.id}, soft_{what.soft_limit ? began_ + *what.soft_limit : never} {}

  void send(std::string_view message) override {
    event e;
    e.kind = event_kind::message;
    e.id = id_;
    e.pid = of_->pid;
    e.payload = message;
    std::lock_guard lock{of_->m};
    of_->put(std::move(e));
  }
  [[nodiscard]] stop_reason why_stop() const noexcept override {
    if (asked_.load(std::memory_order_acquire)) return stop_reason::asked;
    return soft_ != never && clock::now() >= soft_ ? stop_reason::soft_limit : stop_reason::none;
  }
  void finish(std::string outcome) override {
    {
      std::lock_guard lock{m_};
      if (over_) return;
      over_ = true;
      stop_ = nullptr;
    }
    event e;
    e.kind = cancelled_ ? event_kind::terminated : event_kind::finished;
    if (cancelled_) e.reason = "cancelled";
    e.id = id_;
    e.pid = of_->pid;
    e.payload = std::move(outcome);
    e.runtime = clock::now() - began_;
    of_->finished(std::move(e));
  }
  void when_stopped(std::function<void()> stop) override {
    std::lock_guard lock{m_};
    if (over_) return;
    if (why_stop() != stop_reason::none) return stop();
    stop_ = std::move(stop);
  }
  bool on_opener(std::function<void()> f) override { return of_->call(std::move(f)); }
  void driven_by(driver by) override { of_->loops.add(by); }

  /// Tells it that it shall end, for the reason that `why_stop` gives.
  void tell() {
    std::lock_guard lock{m_};
    if (auto const stop = std::exchange(stop_, nullptr)) stop();
  }
  /// However it ends from now on, it was terminated.
  void cancel() {
    cancelled_.store(true, std::memory_order_release);
    ask();
  }
  void ask() {
    asked_.store(true, std::memory_order_release);
    tell();
  }
  [[nodiscard]] clock::time_point began() const noexcept { return began_; }
  [[nodiscard]] clock::time_point soft() const noexcept { return soft_; }

  static constexpr clock::time_point never = clock::time_point::max();

 private:
  std::shared_ptr<shared> of_;
  std::uint64_t id_;
  clock::time_point const began_ = clock::now();
  clock::time_point const soft_;
  std::atomic<bool> asked_{false}, cancelled_{false};
  std::mutex m_;  ///< held while `stop_` is called, so that it is never called after `finish`
  std::function<void()> stop_;
  bool over_ = false;
};

}  // namespace lovage::pool
