#include "worker/rate_limits.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lovage::work {
namespace {

constexpr double slowest = 1e-7;  // once in four months: beyond that no clock counts

std::string_view trimmed(std::string_view t) {
  while (!t.empty() && t.front() == ' ') t.remove_prefix(1);
  while (!t.empty() && t.back() == ' ') t.remove_suffix(1);
  return t;
}

}  // namespace

expected<double> read_rate(std::string_view text) {
  auto const wrong = [&] {
    return fail(errc::invalid_argument, "a rate limit is a number and /s, /m or /h, such as 10/m", std::string{text});
  };
  auto const slash = text.find('/');
  auto const number = trimmed(text.substr(0, slash));
  double out = 0;
  auto const [end, bad] = std::from_chars(number.data(), number.data() + number.size(), out);
  if (bad != std::errc{} || end != number.data() + number.size() || !std::isfinite(out) || out < 0) return wrong();
  if (slash == std::string_view::npos) return out;
  auto const unit = trimmed(text.substr(slash + 1));
  if (unit == "s") return out;
  if (unit == "m") return out / 60;
  if (unit == "h") return out / 3600;
  return wrong();
}

void rate_limits::set(std::string const& task, double per_second) {
  if (per_second <= 0) {
    buckets_.erase(task);
    return;
  }
  auto& b = buckets_[task];
  b.rate = std::max(per_second, slowest);
  b.next = {};  // a new rate counts from now
}

double rate_limits::rate(std::string const& task) const {
  auto const at = buckets_.find(task);
  return at == buckets_.end() ? 0 : at->second.rate;
}

rate_limits::clock::time_point rate_limits::next(std::string const& task, clock::time_point now) const {
  auto const at = disabled_ ? buckets_.end() : buckets_.find(task);
  return at == buckets_.end() ? now : std::max(at->second.next, now);
}

rate_limits::clock::time_point rate_limits::reserve(std::string const& task, clock::time_point now) {
  auto const at = disabled_ ? buckets_.end() : buckets_.find(task);
  if (at == buckets_.end()) return now;
  auto& b = at->second;
  auto const start = std::max(b.next, now);
  b.next = start + std::chrono::ceil<clock::duration>(std::chrono::duration<double>(1 / b.rate));
  return start;
}

}  // namespace lovage::work
