#include "app/canvas_plan.hpp"

#include <utility>

namespace lovage::detail {
namespace {

using wire::signature;

// A body below this is carried by its header's members whatever the whole comes to, as Celery's workers know it.
constexpr std::size_t small_body = 1'024;
// Chords one after another nest in each other's bodies; serializers and Python end at some hundreds of levels.
constexpr int most_nested = 16;

// What a value takes in a message, roughly.
std::size_t octets_of(value const& v) {
  if (auto const* text = v.get_if<std::string>()) return text->size() + 2;
  std::size_t out = 6;
  if (auto const* list = v.get_if<value::list>()) {
    for (auto const& item : *list) out += octets_of(item) + 2;
  } else if (auto const* map = v.get_if<value::map>()) {
    for (auto const& item : *map) out += item.key.size() + 6 + octets_of(item.val);
  }
  return out;
}

std::size_t octets_of(signature const& s) {
  std::size_t out = 100 + s.task.size();
  for (auto const& a : s.args) out += octets_of(a) + 2;
  for (auto const* map : {&s.kwargs, &s.options})
    for (auto const& item : *map) out += item.key.size() + 6 + octets_of(item.val);
  return out;
}

constexpr std::size_t container_octets = 150;
constexpr std::size_t reference_octets = 250;

/// What carrying bodies costs, and which of them are to be kept instead.
struct weigher {
  std::size_t carried = 0;
  bool mark = false;

  // What it takes as a part of a message.
  std::size_t weigh(canvas_tree& c) {
    std::size_t out = 0;
    for (auto const& t : c.tasks) out += octets_of(t);
    if (!c.fan) return out;
    out += 2 * container_octets;
    for (auto& m : c.fan->members) out += weigh(m);
    return out + (c.fan->by_reference ? reference_octets : weigh(c.fan->body));
  }

  // `behind`: what its last task carries as a member of another chord.
  void look(canvas_tree& c, std::size_t behind) {
    if (!c.fan) return;
    auto& fan = *c.fan;
    std::size_t body = 0;
    if (fan.chord) {
      look(fan.body, behind);
      body = weigh(fan.body) + behind;
      fan.by_reference = fan.by_reference || (mark && body > small_body && !fan.members.empty());
      if (fan.by_reference) body = reference_octets;
      carried += body * fan.members.size();
    }
    for (auto& m : fan.members) look(m, body);
  }
};

int nesting_of(canvas_tree const& c) {
  int deepest = 0;
  if (!c.fan) return 0;
  for (auto const& m : c.fan->members) deepest = std::max(deepest, nesting_of(m));
  return 1 + std::max(deepest, nesting_of(c.fan->body));
}

// Its end is out of reach of whoever sends it: what it carries must be said before it is kept.
bool ends_in_kept_body(canvas_tree const& c) {
  auto const* fan = c.fan.get();
  while (fan != nullptr && fan->chord && !fan->by_reference) fan = fan->body.fan.get();
  return fan != nullptr && fan->by_reference;
}

class planner {
 public:
  explicit planner(canvas_sink& to) : to_{to} {}

  expected<void> run(canvas_tree c) {
    if (!c.tasks.empty()) return call_first(std::move(c));
    if (!c.fan) return {};
    auto& fan = *c.fan;
    if (!fan.chord) return run_all(fan.members);
    if (fan.members.empty()) {  // nothing to wait for
      feed(fan.body, {value{value::list{}}});
      return run(std::move(fan.body));
    }
    auto body = body_of(fan, false);
    if (!body) return fail(body.error());
    for (auto& m : fan.members) last_task(m)->set_option("chord", *body);
    return run_all(fan.members);
  }

 private:
  expected<void> run_all(std::vector<canvas_tree>& members) {
    for (auto& m : members)
      if (auto ok = run(std::move(m)); !ok) return ok;
    return {};
  }

  expected<void> call_first(canvas_tree c) {
    auto first = std::move(c.tasks.front());
    c.tasks.erase(c.tasks.begin());
    if (c.empty()) return to_.call(std::move(first));
    value::list rest;
    if (c.fan) {
      auto last = written(std::move(*c.fan));
      if (!last) return fail(last.error());
      rest.push_back(*std::move(last));
    }
    for (auto t = c.tasks.rbegin(); t != c.tasks.rend(); ++t) rest.push_back(std::move(*t).to_value());
    first.set_option("chain", std::move(rest));
    return to_.call(std::move(first));
  }

  // As a chord's members carry it. *Requires*: each of them ends in one task.
  expected<value> body_of(canvas_fan& fan, bool ahead) {
    auto reference = fan.by_reference ? reference_to(fan) : signature{};
    auto body = written(std::move(fan.body));
    if (!body) return body;
    backend::chord_start start{fan.group, static_cast<std::int64_t>(fan.members.size()), value{}};
    if (fan.by_reference) start.body = std::exchange(*body, std::move(reference).to_value());
    if (!ahead || fan.by_reference)
      if (auto ok = to_.announce(std::move(start), ahead); !ok) return fail(ok.error());
    return body;
  }

  // Called by workers that know no kept bodies: it goes where the body would, and whoever waits for that waits for it,
  // should they fail it.
  static signature reference_to(canvas_fan& fan) {
    signature s;
    s.task = chord_body_task;
    s.kwargs = {{"group", fan.group}};
    if (auto const* last = last_task(fan.body))
      if (auto const* id = last->option("task_id")) s.set_option("task_id", *id);
    if (fan.body.tasks.empty()) return s;
    for (auto const* key : {"link_error", "queue", "exchange", "routing_key"})
      if (auto const* v = fan.body.tasks.front().option(key)) s.set_option(key, *v);
    return s;
  }

  expected<value> written(canvas_tree c) {
    if (c.tasks.empty() && c.fan) return written(std::move(*c.fan));
    if (c.tasks.size() == 1 && !c.fan) return std::move(c.tasks.front()).to_value();
    auto chain = wire::make_chain(std::move(c.tasks));
    if (c.fan) {
      auto last = written(std::move(*c.fan));
      if (!last) return last;
      chain.kwargs.front().val.get_if<value::list>()->push_back(*std::move(last));
    }
    return std::move(chain).to_value();
  }

  // A chord as Celery freezes it inside a chain: its header is a group with the id.
  expected<value> written(canvas_fan fan) {
    expected<value> body{value{}};
    if (fan.chord) body = body_of(fan, true);
    if (!body) return body;
    value::list members;
    for (auto& m : fan.members) {
      auto* last = last_task(m);
      if (fan.chord && ends_in_kept_body(m)) {
        last->set_option("chord", *body);
      } else if (last != nullptr) {
        last->remove_option("group_id");  // whoever sends the group says it; Celery 5.2 believes what stands here
      }
      auto one = written(std::move(m));
      if (!one) return one;
      members.push_back(*std::move(one));
    }
    auto group = wire::make_group({});
    group.kwargs.front().val = std::move(members);
    group.set_option("task_id", fan.group);
    if (!fan.chord) return std::move(group).to_value();
    auto chord = wire::make_chord({}, {});
    chord.set_option("task_id", fan.group);  // Celery looks for the header's id here
    for (auto& item : chord.kwargs) {
      if (item.key == "header") item.val = std::move(group).to_value();
      if (item.key == "body") item.val = *std::move(body);
    }
    return std::move(chord).to_value();
  }

  canvas_sink& to_;
};

}  // namespace

void choose_references(canvas_tree& c, std::size_t limit) {
  if (!c.fan || limit == 0) return;
  weigher sum;
  sum.mark = nesting_of(c) > most_nested;
  sum.look(c, 0);
  if (sum.mark || sum.carried <= limit) return;
  sum.mark = true;
  sum.look(c, 0);
}

expected<void> plan(canvas_tree c, canvas_sink& to) { return planner{to}.run(std::move(c)); }

std::size_t calls_of(canvas_tree const& c) noexcept {
  if (!c.tasks.empty()) return 1;
  if (!c.fan) return 0;
  if (c.fan->members.empty()) return calls_of(c.fan->body);
  std::size_t out = 0;
  for (auto const& m : c.fan->members) out += calls_of(m);
  return out;
}

failure no_chord_counter(std::string where) {
  return fail(errc::not_supported,
              "a chord needs a result backend that counts its parts; use redis:// or sqlite:// (result_backend)",
              std::move(where));
}

bool has_chords(canvas_tree const& c) noexcept {
  if (!c.fan) return false;
  if (c.fan->chord) return true;
  for (auto const& m : c.fan->members)
    if (has_chords(m)) return true;
  return false;
}

}  // namespace lovage::detail
