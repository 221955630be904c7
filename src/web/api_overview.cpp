// /api/v1: overview, series, names, failures, alerts, audit.
#include "web/site.hpp"
#include "web/views.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace lovage::web {
namespace {

template <class T>
value column(std::vector<T> const& of) {
  return list_value(of, [](T const& v) { return value{v}; });
}
template <class T>
value column(std::vector<std::optional<T>> const& of) {
  return list_value(of, [](std::optional<T> const& v) { return optional_value(v); });
}

value series_value(monitor::series const& of) {
  value::map backlog;
  for (auto const& [queue, depths] : of.backlog) backlog.push_back({queue, column(depths)});
  return value::map{
      {"from", seconds_value(of.from)}, {"step", of.step.count()},           {"received", column(of.received)},
      {"started", column(of.started)},  {"succeeded", column(of.succeeded)}, {"failed", column(of.failed)},
      {"retried", column(of.retried)},  {"run_p50", column(of.run_p50)},     {"run_p95", column(of.run_p95)},
      {"run_p99", column(of.run_p99)},  {"wait_p95", column(of.wait_p95)},   {"backlog", std::move(backlog)}};
}

// 300 points at most: more than a chart has pixels for is only slow.
response show_series(site& s, request const& r) {
  auto const minutes = std::clamp(number_of(r.query, "minutes").value_or(15), 1., 60. * 24 * 31);
  std::chrono::seconds const span{static_cast<std::int64_t>(minutes * 60)};
  auto step = std::max<std::int64_t>(1, static_cast<std::int64_t>(number_of(r.query, "step").value_or(0)));
  step = std::max(step, (span.count() + 1'439) / 1'440);
  if (span > monitor::figures::kept) step = (std::max<std::int64_t>(step, 60) + 59) / 60 * 60;
  auto const chart = s.eyes.chart(span, std::chrono::seconds{step}, site::soon());
  if (!chart) return error_response(chart.error());
  return json_response(series_value(*chart));
}

response show_failures(site& s, request const& r) {
  auto const minutes = std::clamp(number_of(r.query, "minutes").value_or(1440), 1., 60. * 24 * 366);
  auto const since = s.now() - std::chrono::seconds{static_cast<std::int64_t>(minutes * 60)};
  auto const groups = s.eyes.kept().failures(since, site::soon());
  if (!groups) return error_response(groups.error());
  auto const view = [&](monitor::failure_group const& g) {
    return value{value::map{{"id", g.id},
                            {"task", g.task},
                            {"type", g.type},
                            {"text", s.with.mask_arguments ? std::string{mask} : g.text},
                            {"count", g.count},
                            {"first", seconds_value(g.first)},
                            {"last", seconds_value(g.last)},
                            {"example", g.example},
                            {"workers", names_value(g.workers)}}};
  };
  return json_response(value::map{{"groups", list_value(*groups, view)}});
}

response show_names(site& s) {
  auto const seen = s.eyes.kept().names(site::soon());
  if (!seen) return error_response(seen.error());
  std::set<std::string> all{seen->begin(), seen->end()};
  for (auto const& w : s.eyes.latest()->workers)
    if (w.said)
      for (auto const& name : w.said->tasks()) all.insert(name);
  return json_response(value::map{{"names", names_value({all.begin(), all.end()})}});
}

response show_alerts(site& s) {
  auto const rules = s.eyes.alert_rules_text();
  auto const rule = [](monitor::alert_rule_text const& t) {
    return value{value::map{{"id", t.id}, {"kind", t.kind}, {"text", t.text}}};
  };
  return json_response(value::map{{"rules", list_value(rules, rule)},
                                  {"active", list_value(s.eyes.latest()->alerts, alert_value)},
                                  {"recent", list_value(s.eyes.recent_alerts(), alert_value)}});
}

response show_audit(site& s, request const& r) {
  auto const limit = std::clamp(number_of(r.query, "limit").value_or(200), 1., 1000.);
  auto const all = s.eyes.kept().audit(static_cast<std::size_t>(limit), site::soon());
  if (!all) return error_response(all.error());
  auto const view = [](monitor::audit_entry const& e) {
    return value{value::map{{"at", seconds_value(e.at)},
                            {"user", text_value(e.user)},
                            {"action", e.action},
                            {"target", text_value(e.target)},
                            {"outcome", text_value(e.outcome)}}};
  };
  return json_response(value::map{{"entries", list_value(*all, view)}});
}

}  // namespace

void add_overview_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/v1/overview",
          .serve = [&s](request const&) { return json_response(overview_value(*s.eyes.latest())); },
          .summary = "Everything at a glance: workers, rates, latencies, queues, alerts",
          .waits = false});
  to.add({.method = "GET",
          .pattern = "/api/v1/series",
          .serve = [&s](request const& r) { return show_series(s, r); },
          .summary = "Charts: events, latencies and backlogs over time",
          .takes = {"minutes: how far back; 15 unless given", "step: seconds of one point; longer where it must be"}});
  to.add({.method = "GET",
          .pattern = "/api/v1/names",
          .serve = [&s](request const&) { return show_names(s); },
          .summary = "Names of tasks that were seen or that workers know"});
  to.add({.method = "GET",
          .pattern = "/api/v1/failures",
          .serve = [&s](request const& r) { return show_failures(s, r); },
          .summary = "Failures, those that are alike together",
          .takes = {"minutes: how far back; 1440 unless given"}});
  to.add({.method = "GET",
          .pattern = "/api/v1/alerts",
          .serve = [&s](request const&) { return show_alerts(s); },
          .summary = "Rules, what is wrong now, and what was"});
  to.add({.method = "GET",
          .pattern = "/api/v1/audit",
          .serve = [&s](request const& r) { return show_audit(s, r); },
          .summary = "Who did what, the newest first",
          .takes = {"limit: at most 1000"}});
}

}  // namespace lovage::web
