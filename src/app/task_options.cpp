#include "app/task_options.hpp"

namespace lovage {
namespace {

double seconds_of(std::chrono::milliseconds d) { return std::chrono::duration<double>(d).count(); }

void take(value::map const& set, char const* key, double& to) {
  auto const* v = find(set, key);
  if (v == nullptr) return;
  if (auto const* d = v->get_if<double>()) to = *d;
  if (auto const* i = v->get_if<std::int64_t>()) to = static_cast<double>(*i);
}

void take(value::map const& set, char const* key, std::string& to) {
  auto const* v = find(set, key);
  if (v == nullptr) return;
  if (auto const* s = v->get_if<std::string>()) to = *s;
}

// Of a bool, or of one that may be unset.
template <class Flag>
  requires std::assignable_from<Flag&, bool>
void take(value::map const& set, char const* key, Flag& to) {
  auto const* v = find(set, key);
  if (v == nullptr) return;
  if (auto const* b = v->get_if<bool>()) to = *b;
}

}  // namespace

task_options task_options::defaults(config const& settings) {
  task_options out;
  out.time_limit_s = seconds_of(settings.task_time_limit());
  out.soft_time_limit_s = seconds_of(settings.task_soft_time_limit());
  out.ignore_result = settings.task_ignore_result();
  out.store_errors_even_if_ignored = settings.task_store_errors_even_if_ignored();
  out.acks_late = settings.task_acks_late();
  out.track_started = settings.task_track_started();
  out.reject_on_worker_lost = settings.task_reject_on_worker_lost();
  out.acks_on_failure_or_timeout = settings.task_acks_on_failure_or_timeout();
  out.acks_on_failure = settings.task_acks_on_failure();
  out.acks_on_timeout = settings.task_acks_on_timeout();
  out.rate_limit = settings.task_default_rate_limit();
  return out;
}

task_options task_options::merge(task_options base, value::map const& set) {
  if (auto const* v = find(set, "max_retries")) {
    if (v->is_null()) base.max_retries.reset();
    if (auto const* i = v->get_if<std::int64_t>()) base.max_retries = static_cast<int>(*i);
  }
  take(set, "default_retry_delay", base.default_retry_delay_s);
  take(set, "retry_backoff", base.retry_backoff_s);
  take(set, "retry_backoff_max", base.retry_backoff_max_s);
  take(set, "retry_jitter", base.retry_jitter);
  take(set, "time_limit", base.time_limit_s);
  take(set, "soft_time_limit", base.soft_time_limit_s);
  take(set, "ignore_result", base.ignore_result);
  take(set, "store_errors_even_if_ignored", base.store_errors_even_if_ignored);
  take(set, "acks_late", base.acks_late);
  take(set, "track_started", base.track_started);
  take(set, "reject_on_worker_lost", base.reject_on_worker_lost);
  take(set, "acks_on_failure_or_timeout", base.acks_on_failure_or_timeout);
  take(set, "acks_on_failure", base.acks_on_failure);
  take(set, "acks_on_timeout", base.acks_on_timeout);
  take(set, "rate_limit", base.rate_limit);
  return base;
}

}  // namespace lovage
