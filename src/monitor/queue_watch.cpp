#include "monitor/queue_watch.hpp"

#include "monitor/event_fields.hpp"

#include <algorithm>

namespace lovage::monitor {
namespace {

constexpr std::size_t most_dead = 1'000;

std::optional<std::uint64_t> known(std::uint64_t n, bool told) { return told ? std::optional{n} : std::nullopt; }

double per_second_of(std::uint64_t n, double seconds) { return static_cast<double>(n) / seconds; }

bool is_task(wire::envelope const& e, std::string const& id) {
  auto const* header = find(e.headers, "id");
  auto const* text = header ? header->get_if<std::string>() : nullptr;
  return (text && *text == id) || e.properties.correlation_id == id;
}

}  // namespace

// What senders tell is what comes in; else what workers take is what goes out; the depth tells the other.
queue_rates rates_between(queue_look const& before, queue_look const& after) {
  auto const seconds = std::chrono::duration<double>(after.at - before.at).count();
  if (seconds <= 0) return {};
  auto const risen = (static_cast<double>(after.ready) - static_cast<double>(before.ready)) / seconds;
  auto const sent = per_second_of(after.traffic.sent - before.traffic.sent, seconds);
  auto const taken = per_second_of(after.traffic.taken - before.traffic.taken, seconds);
  if (sent > 0) return {sent, std::max(0.0, sent - risen)};
  if (taken > 0) return {std::max(0.0, taken + risen), taken};
  return {std::max(0.0, risen), std::max(0.0, -risen)};
}

expected<void> queue_watch::open() {
  if (on_) return {};
  auto const until = app_->operation_deadline().sooner(deadline::in(connect_within));
  auto transport = app_->transport(until);
  if (!transport) return fail(transport.error());
  able_ = (*transport)->abilities();
  auto made = (*transport)->make_inspector(until);
  if (!made) return fail(made.error());
  on_ = *std::move(made);
  return {};
}

expected<std::vector<queue_picture>> queue_watch::look(std::map<std::string, queue_traffic> const& traffic,
                                                       time_point now) {
  if (auto opened = open(); !opened) return fail(opened.error());
  auto queues = on_->queues();
  if (!queues) {
    on_.reset();
    return fail(queues.error());
  }
  auto const paused = on_->paused().value_or(std::vector<queue_name>{});
  std::vector<queue_picture> out;
  std::map<std::string, queue_look> looks;
  for (auto const& q : *queues) {
    if (out.size() >= most_queues) break;
    queue_picture p;
    p.name = clean_text(q.name.str(), task_record::name_limit);
    p.ready = q.ready;
    p.delayed = known(q.delayed, able_.counts_delayed);
    p.claimed = known(q.claimed, able_.counts_claimed);
    p.dead = known(q.dead, able_.dead_set);
    p.paused = std::find(paused.begin(), paused.end(), q.name) != paused.end();
    auto const told = traffic.find(p.name);
    queue_look const look{now, q.ready, told == traffic.end() ? queue_traffic{} : told->second};
    if (auto const before = before_.find(p.name); before != before_.end()) {
      auto const r = rates_between(before->second, look);
      p.rate_in = r.in, p.rate_out = r.out;
    }
    looks[p.name] = look;
    out.push_back(std::move(p));
  }
  before_ = std::move(looks);
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
  return out;
}

expected<std::optional<std::string>> queue_watch::dead_reason(std::string const& queue, std::string const& task) {
  if (auto opened = open(); !opened) return fail(opened.error());
  if (!able_.dead_set) return std::optional<std::string>{};
  auto dead = on_->dead(queue_name{queue}, most_dead);
  if (!dead) return fail(dead.error());
  for (auto const& d : *dead)
    if (is_task(d.envelope, task)) return std::optional{clean_text(d.reason, task_record::name_limit)};
  return std::optional<std::string>{};
}

}  // namespace lovage::monitor
