// How a task is to be run: Celery's task options, set where the task is defined.
#pragma once

#include <lovage/value.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace lovage {

/// What is not set follows the configuration. Each setter returns the object, so that they chain:
///
///     lib.define(shop::fetch, fetch, lovage::limits{}.max_retries(5).autoretry_for<std::system_error>());
class limits {
 public:
  using seconds = std::chrono::duration<double>;

  /// Retries after the first run; default 3. Zero: never retried.
  limits& max_retries(int n) { return set("max_retries", n); }
  limits& retry_forever() { return set("max_retries", nullptr); }
  /// Wait before a retry that names no countdown; default 180 s.
  limits& default_retry_delay(seconds s) { return set("default_retry_delay", s.count()); }
  /// Exceptions of these types (and what derives from them) retry the task by themselves.
  template <class... E>
  limits& autoretry_for() {
    (catches_.push_back(&matches<E>), ...);
    return *this;
  }
  /// ... but these do not, though they derive from one above.
  template <class... E>
  limits& dont_autoretry_for() {
    (spares_.push_back(&matches<E>), ...);
    return *this;
  }
  /// Automatic retries wait factor, 2 factor, 4 factor, ...; zero: `default_retry_delay` each time.
  limits& retry_backoff(std::chrono::seconds factor = std::chrono::seconds{1}) {
    return set("retry_backoff", factor.count());
  }
  /// No such wait is longer; default 600 s.
  limits& retry_backoff_max(std::chrono::seconds s) { return set("retry_backoff_max", s.count()); }
  /// The wait is drawn evenly from zero to what backoff says (on by default, as in Celery).
  limits& retry_jitter(bool on) { return set("retry_jitter", on); }

  /// Hard limit: the child is killed and replaced, the result is TimeLimitExceeded. Prefork only. Zero: none.
  limits& time_limit(seconds s) { return set("time_limit", s.count()); }
  /// After this `context::stop_requested()` is true, and lovage's own waits throw `soft_time_limit_exceeded`. Zero:
  /// none.
  limits& soft_time_limit(seconds s) { return set("soft_time_limit", s.count()); }
  limits& ignore_result(bool on = true) { return set("ignore_result", on); }
  limits& store_errors_even_if_ignored(bool on = true) { return set("store_errors_even_if_ignored", on); }
  /// Acknowledge when the outcome is stored (at least once, the default) or before the run (at most once).
  limits& acks_late(bool on) { return set("acks_late", on); }
  limits& track_started(bool on = true) { return set("track_started", on); }
  /// Off: a failure sends the message to the dead set, a hard time limit back to its queue, to be run again, and then
  /// nothing is stored. Only where it is acknowledged late.
  limits& acks_on_failure_or_timeout(bool on) { return set("acks_on_failure_or_timeout", on); }
  /// The same of failures alone, and of hard time limits alone; goes over `acks_on_failure_or_timeout`.
  limits& acks_on_failure(bool on) { return set("acks_on_failure", on); }
  limits& acks_on_timeout(bool on) { return set("acks_on_timeout", on); }
  /// How often it may start in each worker: "10/s", "100/m", "1000/h"; "0": as often as it comes.
  limits& rate_limit(std::string_view rate) { return set("rate_limit", std::string{rate}); }
  /// Give the task to another child when its child died (the default), or fail it with WorkerLostError.
  limits& reject_on_worker_lost(bool on) { return set("reject_on_worker_lost", on); }

  /// The set options by Celery's names.
  [[nodiscard]] value::map const& options() const noexcept { return options_; }

  /// True when this exception retries the task by itself.
  [[nodiscard]] bool autoretries(std::exception_ptr const& e) const {
    for (auto const spare : spares_)
      if (spare(e)) return false;
    for (auto const match : catches_)
      if (match(e)) return true;
    return false;
  }

 private:
  using matcher = bool (*)(std::exception_ptr const&);

  template <class E>
  static bool matches(std::exception_ptr const& e) {
    try {
      std::rethrow_exception(e);
    } catch (E const&) {
      return true;
    } catch (...) {
      return false;
    }
  }
  limits& set(std::string_view name, value v) {
    for (auto& option : options_)
      if (option.key == name) return option.val = std::move(v), *this;
    options_.push_back({std::string{name}, std::move(v)});
    return *this;
  }

  value::map options_;
  std::vector<matcher> catches_, spares_;
};

}  // namespace lovage
