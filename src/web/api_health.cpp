// /api/v1/health and /api/v1/settings; /healthcheck.
#include "config/masking.hpp"
#include "config/settings.hpp"
#include "config/url.hpp"
#include "core/ids.hpp"
#include "web/site.hpp"
#include "web/views.hpp"

namespace lovage::web {
namespace {

// {"state", "ms", "text"} of what `ask` took.
template <class Ask>
value::map timed(Ask&& ask) {
  auto const begin = std::chrono::steady_clock::now();
  std::string fault;
  try {
    ask();
  } catch (error const& e) {
    fault = e.info().text();
  }
  auto const took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return {{"state", fault.empty() ? "ok" : "down"}, {"ms", took}, {"text", text_value(fault)}};
}

value abilities_table(broker::traits const& t) {
  return value::map{{"delayed", t.delayed},
                    {"priorities", t.priorities},
                    {"dead_set", t.dead_set},
                    {"exchanges", t.exchanges},
                    {"events", t.inboxes},
                    {"revocations", t.revocations},
                    {"pauses", t.pauses},
                    {"atomic_batches", t.atomic_batches},
                    {"cross_process", t.cross_process}};
}

value broker_health(site& s) {
  auto out = timed([&] { (void)s.inspector()->queues().value(); });
  out.insert(out.begin(), {"url", mask_url(s.on.settings().broker_url())});
  if (auto const able = s.abilities()) out.push_back({"abilities", abilities_table(*able)});
  return value{std::move(out)};
}

value backend_health(site& s) {
  if (!s.on.state()->has_backend())
    return value::map{{"url", value{}}, {"state", "off"}, {"text", "no result backend is set (result_backend)"}};
  auto out = timed([&] {
    std::vector<task_id> const nobody{new_task_id()};
    (void)s.on.state()->backend(site::soon()).value()->fetch(nobody, site::soon()).value();
  });
  out.insert(out.begin(), {"url", text_value(mask_url(s.on.settings().result_backend()))});
  return value{std::move(out)};
}

value schedule_health(site& s) {
  std::string where;
  auto out = timed([&] {
    where = s.schedule().store();
    (void)s.schedule().list();
  });
  out.insert(out.begin(), {"url", text_value(mask_url(where))});
  return value{std::move(out)};
}

value history_health(site& s) {
  auto const size = s.eyes.kept().size(site::soon());
  auto const& keep = s.eyes.with().keep;
  value::map kept{{"days", std::chrono::duration_cast<std::chrono::hours>(keep.age).count() / 24},
                  {"bytes", keep.bytes}};
  if (!size)
    return value::map{{"path", s.eyes.with().history_path},
                      {"state", "down"},
                      {"text", size.error().text()},
                      {"bytes", 0},
                      {"tasks", 0},
                      {"oldest", value{}},
                      {"kept", std::move(kept)}};
  auto const& fault = s.eyes.latest()->history_fault;
  return value::map{{"path", size->path},        {"state", fault.empty() ? "ok" : "down"},
                    {"text", text_value(fault)}, {"bytes", size->bytes},
                    {"tasks", size->tasks},      {"oldest", seconds_value(size->oldest)},
                    {"kept", std::move(kept)}};
}

response show_health(site& s) {
  auto const& e = s.eyes.latest()->events;
  value::map events{{"state", e.connected ? "ok" : "down"},
                    {"text", text_value(e.fault)},
                    {"seen", e.seen},
                    {"refused", e.refused},
                    {"rate", e.rate},
                    {"pending", e.pending}};
  return json_response(value::map{{"broker", broker_health(s)},
                                  {"backend", backend_health(s)},
                                  {"schedule", schedule_health(s)},
                                  {"history", history_health(s)},
                                  {"events", std::move(events)},
                                  {"listeners", s.stream.listeners()}});
}

response show_settings(site& s) {
  auto const& c = s.on.settings();
  value::list out;
  for (auto const& row : settings::table()) {
    if (!row.in_effect) continue;
    bool const secret = settings::is_secret(row.name) || row.name == "web_auth_users";
    auto v = c.get(row.name);
    bool const empty = v.is_null() || v == value{""} || v == value{value::list{}};
    out.push_back(value::map{{"name", std::string{row.name}},
                             {"value", secret && !empty ? value{"********"} : settings::masked(v)},
                             {"source", c.origin(row.name)},
                             {"secret", secret}});
  }
  return json_response(value::map{{"settings", std::move(out)}});
}

}  // namespace

void add_health_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = "/api/v1/health",
          .serve = [&s](request const&) { return show_health(s); },
          .summary = "Broker, result backend, schedule, history, events: how they are"});
  to.add({.method = "GET",
          .pattern = "/api/v1/settings",
          .serve = [&s](request const&) { return show_settings(s); },
          .summary = "All settings with where they came from; secrets masked"});
  to.add({.method = "GET",
          .pattern = "/healthcheck",
          .access = access::open,
          .serve = [](request const&) { return text_response("OK"); },
          .summary = "OK, as Flower's",
          .waits = false,
          .flower = true});
  to.add({.method = "GET",
          .pattern = "/metrics",
          .access = s.with.needs_login() ? access::view : access::open,
          .serve =
              [&s](request const&) {
                auto out = text_response(s.counted.text(*s.eyes.latest()));
                out.type = "text/plain; version=0.0.4; charset=utf-8";
                return out;
              },
          .summary = "For Prometheus, under Flower's names",
          .flower = true});
}

}  // namespace lovage::web
