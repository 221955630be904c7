#include "app/canvas_tree.hpp"

#include "core/ids.hpp"
#include "wire/named_uuid.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lovage::detail {
namespace {

using wire::signature;
using wire::signature_kind;

canvas_tree of_task(signature s) {
  canvas_tree out;
  out.tasks.push_back(std::move(s));
  return out;
}

canvas_tree of_fan(canvas_fan fan) {
  canvas_tree out;
  out.fan = std::make_unique<canvas_fan>(std::move(fan));
  return out;
}

// The list of its results as one task: what stands in the place of a group that something waits for.
signature collector() {
  signature s;
  s.task = "celery.accumulate";
  s.kwargs = {{"index", 0}};
  return s;
}

void make_chord(canvas_fan& group, canvas_tree body) {
  group.chord = true;
  group.body = std::move(body);
  for (auto& m : group.members) end_in_one_task(m);
}

// A group inside a group is members of the outer one.
void add_member(canvas_fan& to, canvas_tree member) {
  if (member.empty()) return;
  bool const nested = member.tasks.empty() && !member.fan->chord;
  if (!nested) return to.members.push_back(std::move(member));
  std::move(member.fan->members.begin(), member.fan->members.end(), std::back_inserter(to.members));
}

expected<canvas_fan> fan_of(std::vector<signature> members) {
  canvas_fan out;
  out.members.reserve(members.size());
  for (auto& m : members) {
    auto c = canvas_of(std::move(m));
    if (!c) return fail(c.error());
    add_member(out, *std::move(c));
  }
  return out;
}

std::string text_in(value const* v) {
  auto const* s = v ? v->get_if<std::string>() : nullptr;
  return s ? *s : std::string{};
}

// From the last step to the first, so that each is joined to all that follows it.
expected<canvas_tree> join_steps(std::vector<signature> steps) {
  canvas_tree out;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    auto c = canvas_of(std::move(*step));
    if (!c) return c;
    out = joined(*std::move(c), std::move(out));
  }
  return out;
}

expected<canvas_tree> read_group(signature&& s) {
  auto group = text_in(s.option("task_id"));
  auto members = wire::members(std::move(s));
  if (!members) return fail(members.error());
  auto fan = fan_of(*std::move(members));
  if (!fan) return fail(fan.error());
  fan->group = std::move(group);
  return of_fan(*std::move(fan));
}

expected<canvas_tree> read_chord(signature&& s) {
  auto parts = wire::split_chord(std::move(s));
  if (!parts) return fail(parts.error());
  auto fan = fan_of(std::move(parts->header));
  if (!fan) return fail(fan.error());
  auto body = canvas_of(std::move(parts->body));
  if (!body) return body;
  fan->group = text_in(find(parts->header_options, "task_id"));
  bool const batch = !body->tasks.empty() && find(body->tasks.front().extra, batch_key) != nullptr;
  if (!body->empty()) make_chord(*fan, *std::move(body));
  fan->by_reference = batch;  // a worker that knows no better must not call it
  return of_fan(*std::move(fan));
}

expected<canvas_tree> read_chunks(signature&& s) {
  auto parts = wire::split_map(std::move(s));
  if (!parts) return fail(parts.error());
  canvas_fan out;
  auto const size = static_cast<std::size_t>(parts->chunk_size);
  for (std::size_t first = 0; first < parts->items.size(); first += size) {
    auto const begin = parts->items.begin() + static_cast<std::ptrdiff_t>(first);
    auto const end = begin + static_cast<std::ptrdiff_t>(std::min(size, parts->items.size() - first));
    value::list slice{std::make_move_iterator(begin), std::make_move_iterator(end)};
    out.members.push_back(of_task(wire::make_map(signature_kind::starmap, parts->task, std::move(slice))));
  }
  return of_fan(std::move(out));
}

void link_to_end(canvas_tree& c, value&& v) {
  if (auto* last = last_task(c)) return add_calls(*last, "link", std::move(v));
  auto* fan = c.fan.get();
  while (fan != nullptr && fan->chord) fan = fan->body.fan.get();
  if (fan != nullptr && !fan->members.empty())
    link_to_end(fan->members.front(), std::move(v));  // as `group.link` has it
}

bool is_own_place(std::string const& key) {
  return key == "task_id" || key == "group_id" || key == "group_index" || key == "chord";
}

// Said of the container's message, which is never sent, or set anew by whoever sends.
bool means_nothing_inside(std::string const& key) {
  return key == "chain" || key == "root_id" || key == "parent_id" || key == "reply_to" || key == "add_to_parent";
}

// What is said of a container is said of its tasks: who waits for its end stands at the last one, who waits for failure
// at each (of a chord: at its body), how it is sent at the first ones (wire-format 3.4).
void hand_down(signature_kind kind, value::map&& options, canvas_tree& c) {
  bool const chord = kind == signature_kind::chord && c.fan && c.fan->chord;
  for (auto& [key, v] : options) {
    if (v.is_null() || means_nothing_inside(key)) continue;
    if (key == "link") {
      link_to_end(c, std::move(v));
    } else if (key == "link_error") {
      for_all_tasks(chord ? c.fan->body : c, [&](signature& s) { add_calls(s, "link_error", v); });
    } else if (is_own_place(key)) {
      bool const of_group = key == "task_id" && c.fan && text_in(&v) == c.fan->group;  // as Celery 5.2 freezes a chord
      auto* last = of_group || kind == signature_kind::group ? nullptr : last_task(c);
      if (last && last->option(key) == nullptr) last->set_option(key, std::move(v));
    } else {
      auto const set = [&](signature& s) { s.set_option(key, v); };
      for_first_tasks(c, set);
      if (chord) for_first_tasks(c.fan->body, set);
    }
  }
}

expected<canvas_tree> read_container(signature_kind kind, signature&& s) {
  switch (kind) {
    case signature_kind::group: return read_group(std::move(s));
    case signature_kind::chord: return read_chord(std::move(s));
    case signature_kind::chunks: return read_chunks(std::move(s));
    default: break;
  }
  auto steps = wire::members(std::move(s));
  return steps ? join_steps(*std::move(steps)) : expected<canvas_tree>{fail(steps.error())};
}

}  // namespace

void end_in_one_task(canvas_tree& c) {
  if (!c.fan) return;
  auto* fan = c.fan.get();
  while (fan->chord && fan->body.fan) fan = fan->body.fan.get();
  if (!fan->chord) make_chord(*fan, of_task(collector()));
}

bool canvas_tree::ends_in_group() const noexcept {
  auto const* at = fan.get();
  while (at != nullptr && at->chord) at = at->body.fan.get();
  return at != nullptr;
}

expected<canvas_tree> canvas_of(signature s) {
  auto const kind = s.kind();
  if (kind == signature_kind::task || kind == signature_kind::map || kind == signature_kind::starmap)
    return of_task(std::move(s));
  value::list const args = std::move(s.args);
  bool const immutable = s.immutable && kind != signature_kind::chunks;
  auto options = s.options;
  auto out = read_container(kind, std::move(s));
  if (!out) return out;
  if (!args.empty()) feed(*out, args);
  if (immutable) for_first_tasks(*out, [](signature& first) { first.immutable = true; });
  hand_down(kind, std::move(options), *out);
  return out;
}

expected<canvas_tree> canvas_of(value const& from) {
  auto s = signature::from_value(from);
  return s ? canvas_of(*std::move(s)) : expected<canvas_tree>{fail(s.error())};
}

expected<canvas_tree> canvas_of_chain(value::list const& reversed) {
  std::vector<signature> steps;
  for (auto v = reversed.rbegin(); v != reversed.rend(); ++v) {
    auto s = signature::from_value(*v);
    if (!s) return fail(s.error());
    steps.push_back(*std::move(s));
  }
  return join_steps(std::move(steps));
}

canvas_tree joined(canvas_tree a, canvas_tree b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  if (!a.fan) {
    std::move(b.tasks.begin(), b.tasks.end(), std::back_inserter(a.tasks));
    a.fan = std::move(b.fan);
    return a;
  }
  auto* fan = a.fan.get();
  while (fan->chord && fan->body.fan) fan = fan->body.fan.get();
  if (!fan->chord) {
    make_chord(*fan, std::move(b));
  } else {
    fan->body = joined(std::move(fan->body), std::move(b));
  }
  return a;
}

void feed(canvas_tree& c, value::list const& args) {
  if (args.empty()) return;
  for_first_tasks(c, [&](signature& s) {
    if (!s.immutable) s.apply_partial(args);
  });
}

signature const* last_task(canvas_tree const& c) {
  auto const* at = &c;
  while (at->fan && at->fan->chord) at = &at->fan->body;
  return at->fan || at->tasks.empty() ? nullptr : &at->tasks.back();
}

signature* last_task(canvas_tree& c) { return const_cast<signature*>(last_task(std::as_const(c))); }

void for_first_tasks(canvas_tree& c, std::function<void(signature&)> const& f) {
  if (!c.tasks.empty()) return f(c.tasks.front());
  if (!c.fan) return;
  for (auto& m : c.fan->members) for_first_tasks(m, f);
}

void for_all_tasks(canvas_tree& c, std::function<void(signature&)> const& f) {
  for (auto& t : c.tasks) f(t);
  if (!c.fan) return;
  for (auto& m : c.fan->members) for_all_tasks(m, f);
  for_all_tasks(c.fan->body, f);
}

id_source fresh_ids() {
  return [] { return new_task_id().str(); };
}

id_source ids_after(task_id const& task) {
  static constexpr uuid space{
      {0x5c, 0x1d, 0x0a, 0x4e, 0x3f, 0x62, 0x4b, 0x8e, 0x9a, 0x57, 0x6c, 0x6f, 0x76, 0x61, 0x67, 0x65}};
  return [task, n = 0]() mutable { return wire::named_uuid(space, task.str() + " " + std::to_string(n++)).str(); };
}

void freeze(canvas_tree& c, std::string const& reply_to, id_source const& next_id) {
  for (auto& t : c.tasks) {
    if (t.option("task_id") == nullptr) t.set_option("task_id", next_id());
    if (!reply_to.empty() && t.option("reply_to") == nullptr) t.set_option("reply_to", reply_to);
  }
  if (!c.fan) return;
  auto& fan = *c.fan;
  if (fan.group.empty()) fan.group = next_id();
  for (std::size_t i = 0; i < fan.members.size(); ++i) {
    freeze(fan.members[i], reply_to, next_id);
    if (auto* last = last_task(fan.members[i])) {
      last->set_option("group_id", fan.group);
      last->set_option("group_index", static_cast<std::int64_t>(i));
    }
  }
  freeze(fan.body, reply_to, next_id);
}

namespace {

void follow(wire::result_tuple& handle, canvas_tree const& c) {
  auto const behind = [&](wire::result_tuple next) {
    if (!handle.id.empty()) next.parent.push_back(std::move(handle));
    handle = std::move(next);
  };
  for (auto const& t : c.tasks) behind({text_in(t.option("task_id")), {}, std::nullopt});
  if (!c.fan) return;
  wire::result_tuple group{c.fan->group, {}, std::vector<wire::result_tuple>{}};
  for (auto const& m : c.fan->members) group.children->push_back(handle_of(m));
  behind(std::move(group));
  follow(handle, c.fan->body);
}

}  // namespace

wire::result_tuple handle_of(canvas_tree const& c) {
  wire::result_tuple out;
  follow(out, c);
  return out;
}

void add_calls(signature& to, char const* option, value more) {
  value::list all;
  if (auto const* have = to.option(option)) {
    if (auto const* list = have->get_if<value::list>()) {
      all = *list;
    } else {
      all.push_back(*have);
    }
  }
  if (auto* list = more.get_if<value::list>()) {
    std::move(list->begin(), list->end(), std::back_inserter(all));
  } else if (!more.is_null()) {
    all.push_back(std::move(more));
  }
  to.set_option(option, std::move(all));
}

}  // namespace lovage::detail
