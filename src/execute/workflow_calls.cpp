#include "execute/workflow_calls.hpp"

#include "app/canvas_plan.hpp"
#include "wire/result_tuple.hpp"

namespace lovage::execute {

using detail::addressed_call;
using detail::canvas_tree;
using detail::workflow_place;
using wire::signature;

workflow_place place_after(request const& r, policy const& with) {
  workflow_place place;
  place.parent_id = r.message.id.str();
  place.root_id = r.message.root_id.value_or(r.message.id.str());
  if (with.inherit_priority) place.priority = r.priority;
  return place;
}

expected<addressed_call> call_after(signature s, workflow_place place, policy const& with, time_point now) {
  auto call = detail::call_of(std::move(s), std::move(place), with.publishing, now);
  if (!call) return call;
  if (!call->exchange.empty() && !with.exchanges)
    return fail(errc::not_supported, "this broker knows queues but no exchanges", call->exchange);
  return call;
}

expected<void> add_call(signature task, workflow_place const& place, policy const& with, time_point now,
                        follow_up& out) {
  auto call = call_after(std::move(task), place, with, now);
  if (!call) return fail(call.error());
  auto message = detail::outgoing_of(*std::move(call));
  if (!message) return fail(message.error());
  out.messages.push_back(*std::move(message));
  return {};
}

namespace {

/// What a plan comes to inside a worker.
class message_sink final : public detail::canvas_sink {
 public:
  message_sink(workflow_place const& place, policy const& with, time_point now, follow_up& out)
      : place_{place}, with_{with}, now_{now}, out_{out} {}
  expected<void> announce(backend::chord_start chord, bool ahead) override {
    if (!with_.chords) return detail::no_chord_counter("celery.chord");
    (ahead ? out_.chords.later : out_.chords.now).push_back(std::move(chord));
    return {};
  }
  expected<void> call(signature task) override { return add_call(std::move(task), place_, with_, now_, out_); }

 private:
  workflow_place const& place_;
  policy const& with_;
  time_point const now_;
  follow_up& out_;
};

}  // namespace

expected<void> add_canvas(canvas_tree c, workflow_place const& place, policy const& with, time_point now,
                          follow_up& out) {
  detail::choose_references(c, with.publishing.inline_bodies);
  message_sink to{place, with, now, out};
  return detail::plan(std::move(c), to);
}

wire::result_tuple child_of(canvas_tree const& c) {
  auto whole = detail::handle_of(c);
  while (!whole.parent.empty()) whole = wire::result_tuple{std::move(whole.parent.front())};
  return whole;
}

std::string text_option(signature const& s, char const* key) {
  auto const* v = s.option(key);
  auto const* t = v ? v->get_if<std::string>() : nullptr;
  return t ? *t : std::string{};
}

namespace {

bool is_reference(value const& body) {
  auto const* task = body.find("task");
  auto const* name = task ? task->get_if<std::string>() : nullptr;
  return name != nullptr && *name == detail::chord_body_task;
}

}  // namespace

value carried_body(value const& body) { return is_reference(body) ? value{} : body; }

void collect_waiting(canvas_tree const& c, std::string const& root, std::optional<int> priority, later_steps& out) {
  for (auto const& t : c.tasks) {
    auto id = text_option(t, "task_id");
    if (id.empty()) continue;
    auto group = text_option(t, "group_id");
    if (auto const* chord = t.option("chord")) {
      auto const* index = t.option("group_index");
      auto const* place = index ? index->get_if<std::int64_t>() : nullptr;
      out.parts.push_back({{group, place ? std::optional{*place} : std::nullopt, task_id{id}, {}, {}},
                           carried_body(*chord),
                           root,
                           priority});
    }
    out.waiting.push_back({task_id{std::move(id)}, group.empty() ? std::nullopt : std::optional{std::move(group)},
                           text_option(t, "reply_to")});
  }
  if (!c.fan) return;
  if (c.fan->chord) return collect_waiting(c.fan->body, root, priority, out);
  for (auto const& m : c.fan->members) {
    auto const before = out.waiting.size();
    collect_waiting(m, root, priority, out);
    if (out.waiting.size() == before || out.waiting.back().group || c.fan->group.empty()) continue;
    out.waiting.back().group = c.fan->group;
  }
}

void collect_errbacks(canvas_tree const& c, std::vector<std::pair<std::string, value>>& out) {
  if (!c.tasks.empty()) {
    auto const& first = c.tasks.front();
    auto const* calls = first.option("link_error");
    if (calls == nullptr) return;
    auto const* list = calls->get_if<value::list>();
    auto const id = text_option(first, "task_id");
    if (list == nullptr) return out.emplace_back(id, *calls), void();
    for (auto const& call : *list) out.emplace_back(id, call);
  } else if (c.fan && c.fan->chord) {
    collect_errbacks(c.fan->body, out);
  } else if (c.fan) {
    for (auto const& m : c.fan->members) collect_errbacks(m, out);
  }
}

expected<void> add_errback(value const& call, std::string const& failed, workflow_place place, policy const& with,
                           time_point now, follow_up& out) {
  auto c = detail::canvas_of(call);
  if (!c) return fail(c.error());
  detail::feed(*c, {failed});
  if (c->tasks.size() != 1 || c->fan) {
    detail::freeze(*c, {});
    place.group.reset();
  }
  return add_canvas(*std::move(c), place, with, now, out);
}

}  // namespace lovage::execute
