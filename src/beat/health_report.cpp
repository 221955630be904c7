#include "beat/health_report.hpp"

#include "wire/serializer.hpp"

#include <lovage/signature_value.hpp>

#include <utility>

namespace lovage::beats {
namespace {

std::string why_not_turning(health_facts const& f) {
  auto const still = std::chrono::duration_cast<std::chrono::seconds>(f.now - f.turned);
  return still < stuck_after ? std::string{} : "its loop is stuck for " + std::to_string(still.count()) + " s";
}

std::string why_nothing_is_sent(health_facts const& f) {
  if (f.stopping) return "shutting down";
  if (!f.store_trouble.empty()) return "the schedule store cannot be reached: " + f.store_trouble;
  if (f.leader.empty()) return "it does not know yet who leads";
  if (f.leads && !f.send_trouble.empty()) return f.send_trouble;
  return why_not_turning(f);
}

health::answer report_of(health_facts const& f, std::string why_not) {
  bool const good = why_not.empty();
  value::map body{{"name", f.name},
                  {"status", good ? "ok" : "unavailable"},
                  {"leads", f.leads},
                  {"leader", f.leader},
                  {"store", f.store_trouble.empty() ? "reachable" : "away"},
                  {"entries", f.entries},
                  {"sent", f.runs.sent},
                  {"last_tick", f.last_tick ? value{lovage::detail::iso_text(*f.last_tick)} : value{}}};
  if (!good) body.push_back({"reason", std::move(why_not)});
  return {good, wire::to_json(value{std::move(body)}).value_or("{}")};
}

void add_metric(std::string& to, std::string const& name, char const* kind, char const* help,
                std::string const& number) {
  to += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n" + name + " " + number + "\n";
}

}  // namespace

health::answer liveness(health_facts const& f) { return report_of(f, why_not_turning(f)); }
health::answer readiness(health_facts const& f) { return report_of(f, why_nothing_is_sent(f)); }

std::string metrics_page(health_facts const& f) {
  std::string out;
  auto const gauge = [&](char const* name, char const* help, std::size_t n) {
    add_metric(out, name, "gauge", help, std::to_string(n));
  };
  auto const counter = [&](char const* name, char const* help, std::uint64_t n) {
    add_metric(out, name, "counter", help, std::to_string(n));
  };
  gauge("lovage_beat_leader", "Whether this scheduler leads", f.leads ? 1 : 0);
  gauge("lovage_beat_store_up", "Whether the schedule store can be reached", f.store_trouble.empty() ? 1 : 0);
  gauge("lovage_beat_entries", "Entries that this scheduler sends: none while another leads", f.entries);
  counter("lovage_beat_sent_total", "Runs that were sent", f.runs.sent);
  counter("lovage_beat_late_total", "Runs that were sent more than a second behind their moment", f.runs.late);
  counter("lovage_beat_left_out_total", "Runs that were too late, or whose run before had not ended", f.runs.left_out);
  counter("lovage_beat_refused_total", "Runs whose messages cannot be sent", f.runs.refused);
  if (f.last_tick)
    add_metric(out, "lovage_beat_last_tick_timestamp_seconds", "gauge", "When it last looked for what is due",
               std::to_string(std::chrono::duration<double>{f.last_tick->time_since_epoch()}.count()));
  return out;
}

}  // namespace lovage::beats
