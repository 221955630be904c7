#include "app/retry.hpp"

#include <algorithm>
#include <cmath>

namespace lovage {
namespace {

std::optional<int> allowed(task_options const& options, value::map const& details) {
  auto const* v = find(details, "max_retries");
  if (v == nullptr) return options.max_retries;
  auto const* i = v->get_if<std::int64_t>();
  return i ? std::optional{static_cast<int>(*i)} : std::nullopt;
}

double automatic_wait(task_options const& options, std::int64_t retries, std::function<double()> const& uniform) {
  if (options.retry_backoff_s <= 0) return options.default_retry_delay_s;
  auto const doublings = static_cast<int>(std::min<std::int64_t>(retries, 62));
  auto const wait = std::min(options.retry_backoff_max_s, std::ldexp(options.retry_backoff_s, doublings));
  return options.retry_jitter ? wait * uniform() : wait;
}

}  // namespace

time_point later(time_point now, double seconds) {
  constexpr double century = 100.0 * 366 * 86400;  // keeps the sum within range whatever a body asks for
  auto const bounded = std::isfinite(seconds) ? std::clamp(seconds, 0.0, century) : 0.0;
  return now + std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::duration<double>(bounded));
}

retry_plan plan_retry(task_options const& options, std::int64_t retries, value::map const& details, bool automatic,
                      time_point now, std::function<double()> const& uniform) {
  auto const most = allowed(options, details);
  if (most && retries >= *most) return {};
  if (automatic) return {true, later(now, automatic_wait(options, retries, uniform))};
  if (auto const* eta = find(details, "eta"))
    if (auto const* at = eta->get_if<datetime>()) return {true, at->to_time_point()};
  double wait = options.default_retry_delay_s;
  if (auto const* countdown = find(details, "countdown")) {
    if (auto const* d = countdown->get_if<double>()) wait = *d;
    if (auto const* i = countdown->get_if<std::int64_t>()) wait = static_cast<double>(*i);
  }
  if (wait <= 0) return {true, std::nullopt};
  return {true, later(now, wait)};
}

}  // namespace lovage
