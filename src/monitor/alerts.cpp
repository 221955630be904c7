#include "monitor/alerts.hpp"

#include <fmt/format.h>

#include <utility>

namespace lovage::monitor {

struct alerts::finding {
  alert_kind kind;
  std::string subject, text;
};

namespace {

std::string span_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}
std::string span_text(std::chrono::seconds s) { return span_text(static_cast<double>(s.count())); }

double count_of(std::chrono::seconds s) { return static_cast<double>(s.count()); }

}  // namespace

char const* to_string(alert_kind k) noexcept {
  switch (k) {
    case alert_kind::failure_rate: return "failure_rate";
    case alert_kind::backlog_age: return "backlog_age";
    case alert_kind::worker_lost: return "worker_lost";
    case alert_kind::schedule_missed: return "schedule_missed";
  }
  return "";
}

void alerts::collect(observation const& seen, std::map<std::string, finding>& found) const {
  auto const add = [&](alert_kind kind, std::string const& subject, std::string text) {
    auto id = subject.empty() ? std::string{to_string(kind)} : std::string{to_string(kind)} + ":" + subject;
    found.emplace(std::move(id), finding{kind, subject, std::move(text)});
  };
  auto const ended = static_cast<double>(seen.succeeded + seen.failed);
  if (rules_.failure_rate > 0 && seen.failed >= rules_.failure_least &&
      static_cast<double>(seen.failed) > rules_.failure_rate * ended)
    add(alert_kind::failure_rate, {},
        fmt::format("{} of {} tasks failed in the last five minutes", seen.failed, seen.succeeded + seen.failed));
  auto const above = [&](alert_kind kind, std::chrono::seconds bound, std::map<std::string, double> const& values,
                         auto const& text) {
    if (bound.count() <= 0) return;
    for (auto const& [subject, seconds] : values)
      if (seconds >= count_of(bound)) add(kind, subject, text(subject, span_text(seconds)));
  };
  above(alert_kind::backlog_age, rules_.backlog_age, seen.oldest, [](auto const& queue, auto const& age) {
    return fmt::format("the oldest message of queue '{}' has waited {}", queue, age);
  });
  above(alert_kind::worker_lost, rules_.worker_lost, seen.lost, [](auto const& worker, auto const& age) {
    return fmt::format("worker {} has been silent for {} and did not say that it ends", worker, age);
  });
  above(alert_kind::schedule_missed, rules_.schedule_missed, seen.late, [](auto const& entry, auto const& age) {
    return fmt::format("periodic task '{}' is {} late; does a scheduler run?", entry, age);
  });
}

std::vector<alert> alerts::step(observation const& seen, time_point now) {
  std::map<std::string, finding> found;
  collect(seen, found);
  std::vector<alert> out;
  for (auto at = active_.begin(); at != active_.end();) {
    auto const still = found.find(at->first);
    auto const kind = at->second.kind;
    bool const unknown = (kind == alert_kind::backlog_age && !seen.knows_queues) ||
                         (kind == alert_kind::schedule_missed && !seen.knows_schedule);
    if (still != found.end()) at->second.text = std::move(still->second.text);
    if (still != found.end() || unknown) {
      ++at;
      continue;
    }
    at->second.resolved = now;
    recent_.push_front(at->second);
    if (recent_.size() > most_recent) recent_.pop_back();
    out.push_back(std::move(at->second));
    at = active_.erase(at);
  }
  for (auto& [id, f] : found) {
    if (active_.contains(id) || active_.size() >= most_active) continue;
    alert const a{id, f.kind, std::move(f.subject), std::move(f.text), now, std::nullopt};
    active_.emplace(id, a);
    out.push_back(a);
  }
  return out;
}

std::vector<alert> alerts::active() const {
  std::vector<alert> out;
  for (auto const& [id, a] : active_) out.push_back(a);
  return out;
}

std::vector<alert_rule_text> alerts::rules() const {
  std::vector<alert_rule_text> out;
  auto const add = [&](alert_kind k, std::string text) {
    out.push_back({to_string(k), to_string(k), std::move(text)});
  };
  if (rules_.failure_rate > 0)
    add(alert_kind::failure_rate, fmt::format("more than {:.0f} % of the tasks of five minutes failed, {} at least",
                                              rules_.failure_rate * 100, rules_.failure_least));
  if (rules_.backlog_age.count() > 0)
    add(alert_kind::backlog_age, "the oldest message of a queue has waited " + span_text(rules_.backlog_age));
  if (rules_.worker_lost.count() > 0)
    add(alert_kind::worker_lost, "a worker has been silent for " + span_text(rules_.worker_lost));
  if (rules_.schedule_missed.count() > 0)
    add(alert_kind::schedule_missed, "a periodic task is " + span_text(rules_.schedule_missed) + " late");
  return out;
}

}  // namespace lovage::monitor
