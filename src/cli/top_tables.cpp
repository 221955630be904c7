#include "cli/top_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lovage::cli {
namespace {

using monitor::worker_state;

template <std::size_t N>
std::string order_name(std::array<char const*, N> const& names, std::size_t order) {
  return names[order % N];
}

std::string since(time_point then, time_point now) {
  return short_time(std::max(0.0, std::chrono::duration<double>(now - then).count()));
}

template <class Of>
std::string told(std::optional<Of> const& n) {
  return n ? fmt::format("{}", *n) : "-";
}

std::string load_text(monitor::worker_record const& w) { return w.load ? fmt::format("{:.2f}", (*w.load)[0]) : "-"; }

std::string_view color_of(worker_state s) {
  if (s == worker_state::lost) return "31";
  return s == worker_state::offline ? "2" : "";
}

std::string software_of(monitor::worker_record const& w) {
  return w.software.empty() ? "-" : w.software + (w.version.empty() ? "" : " " + w.version);
}

std::string arguments_of(monitor::running_task const& t) {
  return t.kwargs.empty() || t.kwargs == "{}" ? t.args : t.args + " " + t.kwargs;
}

}  // namespace

std::string short_time(std::optional<double> seconds) {
  if (!seconds) return "-";
  auto const s = *seconds;
  if (s < 0.001) return fmt::format("{:.0f}us", s * 1e6);
  if (s < 1) return fmt::format("{:.{}f}ms", s * 1e3, s < 0.01 ? 1 : 0);
  if (s < 60) return fmt::format("{:.1f}s", s);
  auto const whole = static_cast<long long>(std::min(s, 1e9));
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86'400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86'400, whole / 3600 % 24);
}

top_table worker_table(top_picture const& p, std::size_t order) {
  static constexpr std::array orders{"name", "active", "done", "failed"};
  top_table out{{"WORKERS", "STATE", "ACTIVE", "DONE", "FAILED", "LOAD", "HEARD", "SOFTWARE"},
                "llrrrrrl",
                0,
                order_name(orders, order),
                {}};
  auto all = p.workers;
  std::stable_sort(all.begin(), all.end(), [&](auto const& a, auto const& b) {
    switch (order % orders.size()) {
      case 1: return a.active > b.active;
      case 2: return a.succeeded + a.failed > b.succeeded + b.failed;
      case 3: return a.failed > b.failed;
      default: return a.name < b.name;
    }
  });
  for (auto const& w : all)
    out.rows.push_back({{w.name, monitor::to_string(w.state), std::to_string(w.active), std::to_string(w.processed),
                         std::to_string(w.failed), load_text(w), since(w.heard, p.now), software_of(w)},
                        color_of(w.state)});
  return out;
}

top_table queue_table(top_picture const& p, std::size_t order) {
  static constexpr std::array orders{"name", "ready", "dead", "change"};
  top_table out{
      {"QUEUES", "READY", "DELAYED", "CLAIMED", "DEAD", "CHANGE/S", ""}, "lrrrrrl", 0, order_name(orders, order), {}};
  auto all = p.queues;
  std::stable_sort(all.begin(), all.end(), [&](auto const& a, auto const& b) {
    switch (order % orders.size()) {
      case 1: return a.ready > b.ready;
      case 2: return a.dead > b.dead;
      case 3: return a.change > b.change;
      default: return a.name < b.name;
    }
  });
  for (auto const& q : all) {
    auto const change = q.change ? fmt::format("{:+.1f}", *q.change == 0 ? 0.0 : *q.change) : "-";
    out.rows.push_back({{q.name, std::to_string(q.ready), told(q.delayed), told(q.claimed), told(q.dead), change,
                         q.paused ? "paused" : ""},
                        q.paused                 ? "33"
                        : q.dead.value_or(0) > 0 ? "31"
                                                 : ""});
  }
  return out;
}

top_table running_table(top_picture const& p, std::size_t order) {
  static constexpr std::array orders{"time", "task", "worker"};
  top_table out{{"RUNNING", "FOR", "ARGUMENTS", "WORKER", "ID"}, "lrlll", 2, order_name(orders, order), {}};
  auto all = p.running;
  std::stable_sort(all.begin(), all.end(), [&](auto const& a, auto const& b) {
    switch (order % orders.size()) {
      case 1: return a.name < b.name;
      case 2: return a.worker < b.worker;
      default: return a.started < b.started;
    }
  });
  for (auto const& t : all)
    out.rows.push_back(
        {{t.name.empty() ? "?" : t.name, since(t.started, p.now), arguments_of(t), t.worker, t.id.substr(0, 8)}});
  return out;
}

top_table failure_table(top_picture const& p, std::size_t order) {
  static constexpr std::array orders{"time", "task", "error"};
  top_table out{{"FAILURES", "AGO", "ERROR", "WORKER", "ID"}, "lrlll", 2, order_name(orders, order), {}};
  auto all = p.failures;
  std::stable_sort(all.begin(), all.end(), [&](auto const& a, auto const& b) {
    switch (order % orders.size()) {
      case 1: return a.name < b.name;
      case 2: return a.error < b.error;
      default: return a.at > b.at;
    }
  });
  for (auto const& f : all)
    out.rows.push_back({{f.name.empty() ? "?" : f.name, since(f.at, p.now), f.error, f.worker, f.id.substr(0, 8)}});
  return out;
}

}  // namespace lovage::cli
