#include "worker/gossip.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace lovage::work {
namespace {

// What nobody finishes must not fill the memory.
constexpr std::size_t most_elections = 1'000;
constexpr std::size_t most_others = 10'000;

std::string text(value::map const& fields, char const* key) {
  auto const* v = find(fields, key);
  auto const* s = v ? v->get_if<std::string>() : nullptr;
  return s ? *s : std::string{};
}

std::chrono::duration<double> rhythm_of(wire::event const& e) {
  auto const* v = find(e.fields, "freq");
  auto const* d = v ? v->get_if<double>() : nullptr;
  auto const* i = v ? v->get_if<std::int64_t>() : nullptr;
  auto const seconds = d ? *d : i ? static_cast<double>(*i) : 2.0;
  return std::chrono::duration<double>{std::clamp(seconds, 0.1, 86'400.0)};
}

}  // namespace

gossip_step gossip::hear(wire::event const& e, time now) {
  gossip_step out;
  if (e.type == "worker-elect") {
    hear_candidate(e, out);
  } else if (e.type == "worker-elect-ack") {
    hear_ack(e, now, out);
  } else if (e.hostname != node_) {
    follow(e, now, out);
  }
  return out;
}

void gossip::follow(wire::event const& e, time now, gossip_step& out) {
  if (e.type == "worker-offline") {
    if (others_.erase(e.hostname) > 0) out.log.push_back(e.hostname + " left");
    return;
  }
  if (e.type != "worker-online" && e.type != "worker-heartbeat") return;
  if (others_.size() >= most_others && !others_.contains(e.hostname)) return;
  auto const [at, fresh] = others_.try_emplace(e.hostname);
  if (fresh) out.log.push_back(e.hostname + " joined the party");
  at->second = {now, rhythm_of(e)};
}

gossip_step gossip::look(time now) {
  gossip_step out;
  std::erase_if(others_, [&](auto const& item) {
    if (now - item.second.last <= 2 * item.second.rhythm) return false;
    out.log.push_back("missed heartbeat from " + item.first);
    return true;
  });
  return out;
}

gossip_step gossip::elect(std::string const& id, std::string const& topic, value const& action) {
  if (elections_.size() >= most_elections) elections_.clear();
  elections_[id].acks = 0;
  wire::event e;
  e.type = "worker-elect";
  e.fields = {{"id", id}, {"topic", topic}, {"action", action}, {"cver", 1}};
  gossip_step out;
  out.answers.push_back(std::move(e));
  return out;
}

void gossip::hear_candidate(wire::event const& e, gossip_step& out) {
  auto const id = text(e.fields, "id");
  auto const* action = find(e.fields, "action");
  if (id.empty() || !e.clock || !e.pid) return;
  if (elections_.size() >= most_elections && !elections_.contains(id)) elections_.clear();
  auto& candidates = elections_[id].candidates;
  if (candidates.size() < most_others)
    candidates.push_back(
        {*e.clock, e.hostname + "." + std::to_string(*e.pid), text(e.fields, "topic"), action ? *action : value{}});
  wire::event ack;
  ack.type = "worker-elect-ack";
  ack.fields = {{"id", id}};
  out.answers.push_back(std::move(ack));
}

void gossip::hear_ack(wire::event const& e, time now, gossip_step& out) {
  auto const id = text(e.fields, "id");
  auto const at = elections_.find(id);
  if (at == elections_.end() || !at->second.acks) return;
  // Each candidate is acknowledged by all, ourselves included: as many acks come for certain, and the more are awaited,
  // the more candidates are known.
  if (++*at->second.acks < others(now).size() + 1) return;
  auto const& all = at->second.candidates;
  if (all.empty()) return;
  auto const first = std::min_element(all.begin(), all.end(), [](candidate const& a, candidate const& b) {
    return std::tie(a.clock, a.name) < std::tie(b.clock, b.name);
  });
  if (first->name != node_ + "." + std::to_string(pid_)) {
    out.log.push_back("node " + first->name + " elected for '" + id + "'");
  } else if (first->topic != "task") {
    out.log.push_back("won the election '" + id + "' of the unknown topic '" + first->topic + "'");
  } else {
    out.log.push_back("won the election '" + id + "'");
    out.won = first->action;
  }
  elections_.erase(at);
}

std::vector<std::string> gossip::others(time now) const {
  std::vector<std::string> out;
  for (auto const& [name, o] : others_)
    if (now - o.last <= 2 * o.rhythm) out.push_back(name);
  return out;
}

}  // namespace lovage::work
