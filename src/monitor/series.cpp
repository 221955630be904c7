// Columns for charts, from seconds and from minutes.
#include "monitor/figures.hpp"

#include <algorithm>

namespace lovage::monitor {
namespace {

constexpr std::size_t most_points = 5'000;

std::int64_t seconds_of(time_point t) { return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count(); }

series empty_series(time_point from, std::chrono::seconds step, std::size_t n) {
  series out;
  out.from = from;
  out.step = step;
  for (auto* column : {&out.received, &out.started, &out.succeeded, &out.failed, &out.retried}) column->assign(n, 0);
  for (auto* column : {&out.run_p50, &out.run_p95, &out.run_p99, &out.wait_p95}) column->resize(n);
  return out;
}

void add_counts(series& to, std::size_t at, counts const& n) {
  to.received[at] += n.received;
  to.started[at] += n.started;
  to.succeeded[at] += n.succeeded;
  to.failed[at] += n.failed;
  to.retried[at] += n.retried;
}

void add_backlog(series& to, std::size_t at, std::map<std::string, std::uint64_t> const& ready) {
  for (auto const& [queue, n] : ready) {
    auto& column = to.backlog[queue];
    column.resize(to.received.size());
    column[at] = n;
  }
}

void set_latencies(series& to, std::vector<latencies> const& took) {
  for (std::size_t i = 0; i < took.size(); ++i) {
    auto const run = percentiles::of(took[i].run);
    to.run_p50[i] = run.p50, to.run_p95[i] = run.p95, to.run_p99[i] = run.p99;
    to.wait_p95[i] = took[i].wait.at(0.95);
  }
}

/// Puts what happened at a time into its column.
class chart {
 public:
  chart(std::int64_t from, std::int64_t step, std::size_t points)
      : from_{from},
        step_{step},
        out_{empty_series(time_point{std::chrono::seconds{from}}, std::chrono::seconds{step}, points)},
        took_(points) {}

  void add(std::int64_t at, counts const& n, latencies const& took, std::map<std::string, std::uint64_t> const& ready) {
    if (at < from_) return;
    auto const i = static_cast<std::size_t>((at - from_) / step_);
    if (i >= took_.size()) return;
    add_counts(out_, i, n);
    add_backlog(out_, i, ready);
    took_[i] += took;
  }
  series finish() && {
    set_latencies(out_, took_);
    return std::move(out_);
  }

 private:
  std::int64_t const from_, step_;
  series out_;
  std::vector<latencies> took_;
};

}  // namespace

series figures::recent(std::chrono::seconds span, std::chrono::seconds step, time_point now) const {
  auto const wide = std::clamp<std::int64_t>(step.count(), 1, kept.count());
  auto const points = std::clamp<std::int64_t>(std::min(span, kept).count() / wide, 1, kept.count());
  auto const end = seconds_of(now) - seconds_of(now) % wide;
  chart out{end - points * wide, wide, static_cast<std::size_t>(points)};
  for (auto const& s : seconds_) out.add(s.at, s.n, s.took, s.backlog);
  return std::move(out).finish();
}

series series_of(std::span<minute const> what, time_point from, time_point to, std::chrono::seconds step) {
  auto const wide = std::max<std::int64_t>(60, step.count() - step.count() % 60);
  auto const begin = seconds_of(from) - seconds_of(from) % wide;
  auto const span = std::max<std::int64_t>(0, seconds_of(to) - begin);
  auto const points = std::clamp<std::size_t>(static_cast<std::size_t>((span + wide - 1) / wide), 1, most_points);
  chart out{begin, wide, points};
  for (auto const& m : what) out.add(seconds_of(m.begin), m.n, m.took, m.backlog);
  return std::move(out).finish();
}

}  // namespace lovage::monitor
