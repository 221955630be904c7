#include "worker/health_report.hpp"

#include "wire/serializer.hpp"

namespace lovage::work {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

char const* broker_state(health_facts const& f) {
  if (!f.consumer.attached) return "connecting";
  return f.consumer.consuming ? "consuming" : "lost";
}

std::string why_not_ready(health_facts const& f) {
  if (f.stopping || f.consumer.draining) return "shutting down";
  if (!f.consumer.attached) return f.trouble.empty() ? "not connected yet" : f.trouble;
  if (!f.consumer.consuming) return "no messages are received: the connection to the broker is lost";
  if (!f.pool_up) return "no pool process is up";
  return {};
}

std::string why_not_alive(health_facts const& f) {
  auto const still = duration_cast<seconds>(f.now - f.beat);
  return still < stuck_after ? std::string{} : "its loop is stuck for " + std::to_string(still.count()) + " s";
}

health::answer answer_of(health_facts const& f, std::string why_not) {
  bool const good = why_not.empty();
  value::map body{{"node", f.node},
                  {"status", good ? "ok" : "unavailable"},
                  {"broker", broker_state(f)},
                  {"in_flight", f.consumer.in_flight},
                  {"processed", f.consumer.processed}};
  if (!good) body.push_back({"reason", std::move(why_not)});
  auto json = wire::find_serializer("json")->write(value{std::move(body)}, false);
  return {good, json ? *std::move(json) : std::string{"{}"}};
}

}  // namespace

health::answer liveness(health_facts const& f) { return answer_of(f, why_not_alive(f)); }
health::answer readiness(health_facts const& f) {
  auto why = why_not_ready(f);
  return answer_of(f, why.empty() ? why_not_alive(f) : std::move(why));
}

}  // namespace lovage::work
