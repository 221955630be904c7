#include "execute/workflow.hpp"

#include "app/canvas_plan.hpp"
#include "app/signature_message.hpp"
#include "app/workflow_graph.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "execute/exception_name.hpp"
#include "wire/result_tuple.hpp"

namespace lovage::execute {
namespace {

using detail::addressed_call;
using detail::canvas;
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

expected<void> check_tasks(canvas const& c, policy const& with, time_point now) {
  for (auto const& t : c.tasks)
    if (auto ok = call_after(t, {}, with, now); !ok) return fail(ok.error());
  if (!c.fan) return {};
  for (auto const& m : c.fan->members)
    if (auto ok = check_tasks(m, with, now); !ok) return ok;
  return check_tasks(c.fan->body, with, now);
}

expected<void> check_canvas(expected<canvas> const& c, policy const& with, time_point now) {
  if (!c) return fail(c.error());
  if (!with.chords && detail::has_chords(*c)) return detail::no_chord_counter("celery.chord");
  return check_tasks(*c, with, now);
}

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
  expected<void> call(signature task) override {
    auto call = call_after(std::move(task), place_, with_, now_);
    if (!call) return fail(call.error());
    auto out = detail::outgoing_of(*std::move(call));
    if (!out) return fail(out.error());
    out_.messages.push_back(*std::move(out));
    return {};
  }

 private:
  workflow_place const& place_;
  policy const& with_;
  time_point const now_;
  follow_up& out_;
};

expected<void> add_canvas(canvas c, workflow_place const& place, policy const& with, time_point now, follow_up& out) {
  detail::choose_references(c, with.publishing.inline_bodies);
  message_sink to{place, with, now, out};
  return detail::plan(std::move(c), to);
}

// What it begins with: a task, or a group.
wire::result_tuple child_of(canvas const& c) {
  auto whole = detail::handle_of(c);
  while (!whole.parent.empty()) whole = wire::result_tuple{std::move(whole.parent.front())};
  return whole;
}

// What the body added to its chord.
expected<void> add_added(request const& r, policy const& with, time_point now, follow_up& out) {
  if (r.added.empty()) return {};
  auto const& m = r.message;
  for (auto const& signature : r.added) {
    auto c = detail::canvas_of(signature);
    if (!c) return fail(c.error());
    if (c->empty()) return fail(errc::invalid_argument, "what is added to a chord has no task itself");
    detail::end_in_one_task(*c);
    detail::freeze(*c, {});
    auto& last = *detail::last_task(*c);
    last.set_option("group_id", m.group.value_or(""));
    last.set_option("chord", m.embed.chord);
    out.children.push_back(child_of(*c).to_value());
    if (auto ok = add_canvas(*std::move(c), place_after(r, with), with, now, out); !ok) return ok;
  }
  out.grown.push_back({m.group.value_or(""), static_cast<std::int64_t>(r.added.size())});
  return {};
}

std::string text_option(signature const& s, char const* key) {
  auto const* v = s.option(key);
  auto const* t = v ? v->get_if<std::string>() : nullptr;
  return t ? *t : std::string{};
}

bool is_reference(value const& body) {
  auto const* task = body.find("task");
  auto const* name = task ? task->get_if<std::string>() : nullptr;
  return name != nullptr && *name == detail::chord_body_task;
}

value carried_body(value const& body) { return is_reference(body) ? value{} : body; }

// Whoever waits for a chord waits for its body.
void collect_waiting(canvas const& c, std::string const& root, std::optional<int> priority, later_steps& out) {
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

// Several links share a new group, as Celery has it, and are one child of the record.
expected<void> add_links(request const& r, value const& result, policy const& with, time_point now, follow_up& out) {
  auto const& links = r.message.embed.callbacks;
  if (links.empty()) return {};
  auto const place = place_after(r, with);
  wire::result_tuple group{new_task_id().str(), {}, std::vector<wire::result_tuple>{}};
  for (std::size_t i = 0; i < links.size(); ++i) {
    auto c = detail::canvas_of(links[i]);
    if (!c) return fail(c.error());
    detail::feed(*c, {result});
    detail::freeze(*c, {});
    auto* last = links.size() > 1 ? detail::last_task(*c) : nullptr;
    if (last != nullptr) {
      last->set_option("group_id", group.id);
      last->set_option("group_index", static_cast<std::int64_t>(i));
    }
    group.children->push_back(child_of(*c));
    if (auto ok = add_canvas(*std::move(c), place, with, now, out); !ok) return ok;
  }
  out.children.push_back(links.size() > 1 ? group.to_value() : group.children->front().to_value());
  return {};
}

expected<void> add_next_step(request const& r, value const& result, policy const& with, time_point now,
                             follow_up& out) {
  auto const& chain = r.message.embed.chain;
  if (!chain || chain->empty()) return {};
  auto c = detail::canvas_of_chain(*chain);
  if (!c) return fail(c.error());
  if (c->empty()) return {};
  collect_waiting(*c, r.message.root_id.value_or(r.message.id.str()), std::nullopt, out.later);
  detail::feed(*c, {result});
  detail::freeze(*c, {});
  if (c->tasks.size() == 1 && !c->fan) c->tasks.front().set_option("chain", value::list{});  // empty, not absent
  out.children.push_back(child_of(*c).to_value());
  return add_canvas(*std::move(c), place_after(r, with), with, now, out);
}

std::optional<int> inherited(request const& r, policy const& with) {
  return with.inherit_priority ? std::optional{r.priority} : std::nullopt;
}

// The errbacks of what would have begun.
void collect_errbacks(canvas const& c, std::vector<std::pair<std::string, value>>& out) {
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

// Celery's `Dependency <id> raised ValueError('no')`.
wire::exception_info chord_error(backend::chord_part const& failed) {
  auto const why = wire::exception_info::from_value(failed.result);
  auto const text = why ? why->repr_text() : wire::repr(failed.result, 1'024);
  return {"ChordError", {"Dependency " + failed.id.str() + " raised " + text}, "celery.exceptions"};
}

std::string root_of(backend::chord_end const& end, ended_part const* by, canvas const& body) {
  if (by != nullptr && !by->root_id.empty()) return by->root_id;
  auto root = body.tasks.empty() ? std::string{} : text_option(body.tasks.front(), "root_id");
  return root.empty() && !end.parts.empty() ? end.parts.back().id.str() : root;
}

void fail_chord(backend::chord_end const& end, backend::chord_part const& failed, canvas const& body,
                std::string const& root, policy const& with, time_point now, effects& out) {
  wire::result_record record;
  record.status = wire::state::failure;
  record.result = chord_error(failed).to_value();
  record.date_done = wire::to_iso(now);
  auto const* first = body.tasks.empty() ? nullptr : &body.tasks.front();
  log::error("Chord " + end.group + (first ? " -> " + first->task : "") + " failed: " + chord_error(failed).text(),
             {{"group", end.group}, {"task_id", failed.id.str()}});
  later_steps steps;
  collect_waiting(body, root, std::nullopt, steps);
  fail_steps(std::move(steps), record, with, out);
  std::vector<std::pair<std::string, value>> calls;
  collect_errbacks(body, calls);
  follow_up then;
  auto const group = new_task_id().str();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    workflow_place place;
    place.parent_id = place.root_id = calls[i].first;
    place.group = group, place.group_index = static_cast<std::int64_t>(i);
    auto const sent = add_errback(calls[i].second, calls[i].first, std::move(place), with, now, then);
    if (!sent) log::error("Chord " + end.group + ": an errback cannot be called: " + sent.error().text());
  }
  if (then.messages.empty()) return out.ended.push_back(end.group);
  sequel told;
  told.messages = std::move(then.messages);
  told.chords = std::move(then.chords);
  told.ended = {end.group};
  told.after_records = true;
  out.sequels.push_back(std::move(told));
}

// What the body is called with: the list of the results, or those that it names, each on its own.
value::list arguments_of(canvas& body, std::vector<backend::chord_part>& parts) {
  value::list results;
  for (auto& p : parts) results.push_back(std::move(p.result));
  auto* first = body.tasks.empty() ? nullptr : &body.tasks.front();
  auto const* named = first ? find(first->extra, detail::inputs_key) : nullptr;
  auto const* places = named ? named->get_if<value::list>() : nullptr;
  if (!places) return {value{std::move(results)}};
  value::list out;
  for (auto const& place : *places) {
    auto const* i = place.get_if<std::int64_t>();
    if (i && *i >= 0 && static_cast<std::size_t>(*i) < results.size())
      out.push_back(results[static_cast<std::size_t>(*i)]);
  }
  return out;
}

void send_body(backend::chord_end& end, canvas body, ended_part const* by, std::string const& root, policy const& with,
               time_point now, effects& out) {
  workflow_place place;
  place.parent_id = by != nullptr ? by->part.id.str() : end.parts.empty() ? root : end.parts.back().id.str();
  place.root_id = root;
  if (by != nullptr) place.priority = by->priority;
  sequel then;
  later_steps lost;
  collect_waiting(body, root, place.priority, lost);
  detail::feed(body, arguments_of(body, end.parts));
  detail::freeze(body, {});
  follow_up made;
  if (auto ok = add_canvas(std::move(body), place, with, now, made); !ok) {
    log::error("Chord " + end.group + ": its body cannot be sent: " + ok.error().text(), {{"group", end.group}});
    wire::result_record record;
    record.status = wire::state::failure;
    record.result = as_exception(ok.error()).to_value();
    record.date_done = wire::to_iso(now);
    out.ended.push_back(end.group);
    return fail_steps(std::move(lost), record, with, out);
  }
  then.messages = std::move(made.messages);
  then.chords = std::move(made.chords);
  then.ended = {end.group};
  for (auto& w : lost.waiting) then.waiting.push_back(std::move(w.id));
  then.lost = std::move(lost.parts);
  out.sequels.push_back(std::move(then));
}

}  // namespace

expected<void> check_workflow(request const& r, policy const& with, time_point now) {
  auto const& e = r.message.embed;
  for (auto const* calls : {&e.callbacks, &e.errbacks})
    for (auto const& call : *calls)
      if (auto ok = check_canvas(detail::canvas_of(call), with, now); !ok) return ok;
  if (e.chain)
    if (auto ok = check_canvas(detail::canvas_of_chain(*e.chain), with, now); !ok) return ok;
  if (e.chord.is_null()) return {};
  return with.chords ? check_canvas(detail::canvas_of(e.chord), with, now) : detail::no_chord_counter(r.message.task);
}

expected<follow_up> after_success(request const& r, value const& result, policy const& with, time_point now) {
  follow_up out;
  if (auto ok = add_links(r, result, with, now, out); !ok) return fail(ok.error());
  if (auto ok = add_next_step(r, result, with, now, out); !ok) return fail(ok.error());
  if (auto ok = add_added(r, with, now, out); !ok) return fail(ok.error());
  return out;
}

expected<follow_up> send_after(request const& r, canvas c, policy const& with, time_point now) {
  follow_up out;
  detail::freeze(c, {});
  if (auto ok = add_canvas(std::move(c), place_after(r, with), with, now, out); !ok) return fail(ok.error());
  return out;
}

follow_up errbacks_of(request const& r, policy const& with, time_point now) {
  follow_up out;
  auto const& calls = r.message.embed.errbacks;
  if (calls.empty()) return out;
  auto const group = new_task_id().str();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    auto place = place_after(r, with);
    place.group = group, place.group_index = static_cast<std::int64_t>(i);
    auto const sent = add_errback(calls[i], r.message.id.str(), std::move(place), with, now, out);
    if (!sent) log::error("Task " + r.label() + ": an errback cannot be called: " + sent.error().text());
  }
  return out;
}

later_steps steps_to_come(request const& r) {
  later_steps out;
  auto const& chain = r.message.embed.chain;
  if (!chain || chain->empty()) return out;
  if (auto const c = detail::canvas_of_chain(*chain))
    collect_waiting(*c, r.message.root_id.value_or(r.message.id.str()), std::nullopt, out);
  return out;
}

std::optional<ended_part> part_of(request const& r, std::string_view status, value result, policy const& with) {
  auto const& m = r.message;
  if (m.embed.chord.is_null() || !with.chords || !m.group) return std::nullopt;
  return ended_part{{*m.group, m.group_index, m.id, std::string{status}, std::move(result)},
                    carried_body(m.embed.chord),
                    m.root_id.value_or(m.id.str()),
                    inherited(r, with)};
}

bool stands_for_body(request const& r) { return r.message.task == detail::chord_body_task; }

kept_body body_behind(request const& r) {
  auto const& m = r.message;
  kept_body out;
  auto const* group = find(m.kwargs, "group");
  auto const* id = group ? group->get_if<std::string>() : nullptr;
  if (id) out.end.group = *id;
  auto const* results = m.args.empty() ? nullptr : m.args.front().get_if<value::list>();
  for (std::size_t i = 0; results && i < results->size(); ++i)
    out.end.parts.push_back({out.end.group, static_cast<std::int64_t>(i), {}, wire::state::success, (*results)[i]});
  out.by.part.id = task_id{m.parent_id.value_or(m.id.str())};
  out.by.root_id = m.root_id.value_or(m.id.str());
  out.delivery = {r.job, broker::disposition::done, {}, false};
  return out;
}

void fail_steps(later_steps&& steps, wire::result_record const& failed, policy const& with, effects& out) {
  for (auto& part : steps.parts) {
    if (!with.chords) break;
    part.part.status = failed.status;
    part.part.result = failed.result;
    out.parts.push_back(std::move(part));
  }
  if (!with.store_results) return;
  for (auto& step : steps.waiting) {
    wire::result_record record;
    record.id = std::move(step.id);
    record.status = failed.status;
    record.result = failed.result;
    record.traceback = failed.traceback;
    record.children = value::list{};
    record.date_done = failed.date_done;
    record.group_id = std::move(step.group);
    record.reply_to = std::move(step.reply_to);
    record.correlation_id = record.id.str();
    out.records.push_back(std::move(record));
  }
}

void conclude_chord(backend::chord_end&& end, ended_part const* by, policy const& with, time_point now, effects& out) {
  auto const gone = [&](std::string const& why) {
    log::error("Chord " + end.group + ": its body cannot be sent: " + why, {{"group", end.group}});
    out.ended.push_back(end.group);
  };
  auto const& kept = !end.body.is_null() || by == nullptr ? end.body : by->body;
  if (kept.is_null()) return gone("it is not kept any more");
  auto body = detail::canvas_of(kept);
  if (!body) return gone(body.error().text());
  auto const root = root_of(end, by, *body);
  for (auto const& p : end.parts)
    if (p.status != wire::state::success) return fail_chord(end, p, *body, root, with, now, out);
  send_body(end, *std::move(body), by, root, with, now, out);
}

}  // namespace lovage::execute
