#include "web/views.hpp"

#include "wire/serializer.hpp"

#include <charconv>
#include <cmath>

namespace lovage::web {
namespace {

using monitor::task_record;

value masked_text(std::string const& text, bool masked) {
  return text.empty() ? value{} : masked ? value{mask} : value{text};
}

// "ValueError('no such user ann')" -> "ValueError".
value masked_exception(std::string const& text, bool masked) {
  if (text.empty()) return {};
  return masked ? value{text.substr(0, text.find_first_of("(:"))} : value{text};
}

value::map brief_of(task_record const& t, bool masked) {
  return {{"id", t.id},
          {"name", t.name},
          {"state", t.state},
          {"worker", text_value(t.worker)},
          {"queue", text_value(t.queue)},
          {"sent", seconds_value(t.sent)},
          {"received", seconds_value(t.received)},
          {"started", seconds_value(t.started)},
          {"ended", seconds_value(t.ended())},
          {"eta", seconds_value(t.eta)},
          {"expires", seconds_value(t.expires)},
          {"runtime", optional_value(t.runtime)},
          {"retries", t.retries},
          {"args", masked_text(t.args, masked)},
          {"kwargs", masked_text(t.kwargs, masked)},
          {"result", masked_text(t.result, masked)},
          {"exception", masked_exception(t.exception, masked)},
          {"parent", text_value(t.parent)},
          {"root", text_value(t.root)},
          {"group", text_value(t.group)},
          {"error_group", text_value(t.error_group)}};
}

value number_member(value const& of, std::string_view key) {
  auto const* v = of.find(key);
  return v && (v->is<std::int64_t>() || v->is<double>()) ? *v : value{};
}

value list_member(value const& of, std::string_view key) {
  auto const* v = of.find(key);
  return v && v->is<value::list>() ? *v : value{value::list{}};
}

// Celery's maxrss is in KiB on Linux.
value memory_of(value const& stats) {
  auto const* usage = stats.find("rusage");
  auto const* kib = usage ? usage->find("maxrss") : nullptr;
  if (!kib) return {};
  if (auto const* n = kib->get_if<std::int64_t>()) return value{*n * 1024};
  if (auto const* d = kib->get_if<double>()) return value{static_cast<std::int64_t>(*d * 1024)};
  return {};
}

std::string kind_of_pool(value const& pool) {
  auto const* name = pool.find("implementation");
  auto const* text = name ? name->get_if<std::string>() : nullptr;
  if (!text) return "";
  for (char const* word : {"prefork", "thread", "solo", "gevent", "eventlet", "coroutine"})
    if (text->find(word) != std::string::npos) return word == std::string_view{"thread"} ? "threads" : word;
  return *text;
}

value pool_value(monitor::worker_details const& said) {
  auto const* pool = said.stats.find("pool");
  if (!pool || !pool->is<value::map>()) return {};
  auto const* scaler = said.stats.find("autoscaler");
  value const none;
  auto const& limits = scaler ? *scaler : none;
  return value::map{{"kind", text_value(kind_of_pool(*pool))},
                    {"size", optional_value(said.slots())},
                    {"min", number_member(limits, "min")},
                    {"max", number_member(limits, "max")},
                    {"processes", list_member(*pool, "processes")}};
}

value running_value(monitor::running_task const& t, bool masked) {
  return value::map{{"id", t.id},
                    {"name", t.name},
                    {"args", masked_text(t.args, masked)},
                    {"started", seconds_value(t.started)},
                    {"pid", optional_value(t.pid)}};
}

value counts_value(monitor::counts const& n) {
  return value::map{{"received", n.received}, {"started", n.started}, {"succeeded", n.succeeded}, {"failed", n.failed},
                    {"retried", n.retried},   {"revoked", n.revoked}, {"rejected", n.rejected}};
}

value states_value(monitor::snapshot const& s) {
  std::int64_t n[3] = {};
  for (auto const& w : s.workers) ++n[static_cast<std::size_t>(w.seen.state)];
  return value::map{{"online", n[0]}, {"lost", n[1]}, {"offline", n[2]}};
}

}  // namespace

value seconds_value(time_point t) { return value{std::chrono::duration<double>(t.time_since_epoch()).count()}; }
value seconds_value(std::optional<time_point> t) { return t ? seconds_value(*t) : value{}; }
value text_value(std::string const& text) { return text.empty() ? value{} : value{text}; }

value task_value(task_record const& t, bool masked) { return brief_of(t, masked); }

value whole_task_value(task_record const& t, bool masked) {
  auto out = brief_of(t, masked);
  out.push_back({"traceback", masked_text(t.traceback, masked)});
  out.push_back({"exchange", text_value(t.exchange)});
  out.push_back({"routing_key", text_value(t.routing_key)});
  out.push_back({"client", text_value(t.client)});
  out.push_back({"clock", t.clock});
  out.push_back({"chord", text_value(t.chord)});
  out.push_back({"stamps", t.stamps.empty() ? value{} : wire::from_json(t.stamps).value_or(value{})});
  return out;
}

value worker_value(monitor::worker_picture const& w, bool masked) {
  value const none;
  auto const& stats = w.said ? w.said->stats : none;
  value load;
  if (w.seen.load) load = value{value::list{(*w.seen.load)[0], (*w.seen.load)[1], (*w.seen.load)[2]}};
  return value::map{{"name", w.seen.name},
                    {"state", monitor::to_string(w.seen.state)},
                    {"software", text_value(w.seen.software)},
                    {"version", text_value(w.seen.version)},
                    {"pid", optional_value(w.seen.pid)},
                    {"since", seconds_value(w.seen.since)},
                    {"heartbeat", seconds_value(w.seen.heartbeat)},
                    {"interval", w.seen.interval},
                    {"active", w.seen.active},
                    {"processed", w.seen.processed},
                    {"succeeded", w.seen.succeeded},
                    {"failed", w.seen.failed},
                    {"load", std::move(load)},
                    {"pool", w.said ? pool_value(*w.said) : value{}},
                    {"prefetch", number_member(stats, "prefetch_count")},
                    {"queues", w.said ? names_value(w.said->queues()) : value{value::list{}}},
                    {"memory", memory_of(stats)},
                    {"running", list_value(w.running, [&](auto const& t) { return running_value(t, masked); })}};
}

value safe_stats(value stats) {
  auto* broker = stats.find("broker");
  if (auto* members = broker ? broker->get_if<value::map>() : nullptr)
    std::erase_if(*members, [](auto const& m) { return m.key == "alternates"; });
  return stats;
}

value queue_value(monitor::queue_picture const& q) {
  return value::map{{"name", q.name},
                    {"ready", q.ready},
                    {"delayed", optional_value(q.delayed)},
                    {"claimed", optional_value(q.claimed)},
                    {"dead", optional_value(q.dead)},
                    {"paused", q.paused},
                    {"rate_in", q.rate_in},
                    {"rate_out", q.rate_out},
                    {"oldest", optional_value(q.oldest)},
                    {"consumers", names_value(q.consumers)}};
}

value alert_value(monitor::alert const& a) {
  return value::map{{"id", a.id},     {"kind", monitor::to_string(a.kind)}, {"subject", text_value(a.subject)},
                    {"text", a.text}, {"since", seconds_value(a.since)},    {"resolved", seconds_value(a.resolved)}};
}

value percentiles_value(monitor::percentiles const& p) {
  return value::map{{"p50", optional_value(p.p50)}, {"p95", optional_value(p.p95)}, {"p99", optional_value(p.p99)}};
}

value overview_value(monitor::snapshot const& s) {
  value::map events{{"connected", s.events.connected}, {"fault", text_value(s.events.fault)},
                    {"seen", s.events.seen},           {"refused", s.events.refused},
                    {"rate", s.events.rate},           {"pending", s.events.pending}};
  value::map rates{{"received", s.now.received}, {"succeeded", s.now.succeeded}, {"failed", s.now.failed}};
  return value::map{{"now", seconds_value(s.at)},
                    {"up_since", seconds_value(s.up_since)},
                    {"events", std::move(events)},
                    {"workers", states_value(s)},
                    {"totals", counts_value(s.last_hour)},
                    {"rates", std::move(rates)},
                    {"active", s.active},
                    {"run", percentiles_value(s.run)},
                    {"wait", percentiles_value(s.wait)},
                    {"queues", list_value(s.queues, queue_value)},
                    {"alerts", list_value(s.alerts, alert_value)}};
}

value names_value(std::vector<std::string> const& names) {
  return list_value(names, [](std::string const& n) { return value{n}; });
}

std::string text_of(value::map const& m, std::string_view key) {
  auto const* v = find(m, key);
  if (!v) return {};
  if (auto const* text = v->get_if<std::string>()) return *text;
  if (auto const* n = v->get_if<std::int64_t>()) return std::to_string(*n);
  return {};
}

std::optional<double> number_of(value::map const& m, std::string_view key) {
  auto const* v = find(m, key);
  if (!v || v->is_null()) return std::nullopt;
  if (auto const* n = v->get_if<std::int64_t>()) return static_cast<double>(*n);
  if (auto const* d = v->get_if<double>()) return *d;
  throw error{errc::invalid_argument, "'" + std::string{key} + "' must be a number", std::string{key}};
}

std::optional<double> number_of(fields const& q, std::string_view key) {
  auto const text = q.get(key);
  if (text.empty()) return std::nullopt;
  double out = 0;
  auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(out))
    throw error{errc::invalid_argument, "'" + std::string{key} + "' must be a number", std::string{key}};
  return out;
}

std::vector<std::string> texts_of(value::map const& m, std::string_view key) {
  std::vector<std::string> out;
  auto const* v = find(m, key);
  auto const* all = v ? v->get_if<value::list>() : nullptr;
  if (!all) return out;
  for (auto const& each : *all) {
    if (auto const* text = each.get_if<std::string>()) out.push_back(*text);
    if (auto const* n = each.get_if<std::int64_t>()) out.push_back(std::to_string(*n));
  }
  return out;
}

bool flag_of(value::map const& m, std::string_view key) {
  auto const* v = find(m, key);
  auto const* flag = v ? v->get_if<bool>() : nullptr;
  return flag && *flag;
}

std::string needed_text(value::map const& m, std::string_view key) {
  auto out = text_of(m, key);
  if (out.empty()) throw error{errc::invalid_argument, "'" + std::string{key} + "' is missing", std::string{key}};
  return out;
}

time_point time_of(double unix_seconds) {
  constexpr double furthest = 4e9;  // of the year 2096
  auto const s = std::fmin(std::fmax(unix_seconds, 0), furthest);
  return time_point{std::chrono::microseconds{static_cast<std::int64_t>(s * 1e6)}};
}

}  // namespace lovage::web
