// What follows from a chord whose parts are all in.
#include "app/canvas_plan.hpp"
#include "app/workflow_graph.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "execute/exception_name.hpp"
#include "execute/workflow_calls.hpp"

namespace lovage::execute {
namespace {

using detail::canvas_tree;
using detail::workflow_place;

// Celery's `Dependency <id> raised ValueError('no')`.
wire::exception_info chord_error(backend::chord_part const& failed) {
  auto const why = wire::exception_info::from_value(failed.result);
  auto const text = why ? why->repr_text() : wire::repr(failed.result, 1'024);
  return {"ChordError", {"Dependency " + failed.id.str() + " raised " + text}, "celery.exceptions"};
}

std::string root_of(backend::chord_end const& end, ended_part const* by, canvas_tree const& body) {
  if (by != nullptr && !by->root_id.empty()) return by->root_id;
  auto root = body.tasks.empty() ? std::string{} : text_option(body.tasks.front(), "root_id");
  return root.empty() && !end.parts.empty() ? end.parts.back().id.str() : root;
}

void fail_chord(backend::chord_end const& end, backend::chord_part const& failed, canvas_tree const& body,
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
value::list arguments_of(canvas_tree& body, std::vector<backend::chord_part>& parts) {
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

// What became of a batch, for its body and the callbacks.
value summary_of(backend::chord_end const& end, canvas_tree const& body) {
  value::list failed;
  for (auto const& p : end.parts)
    if (p.status != wire::state::success) failed.emplace_back(p.id.str());
  auto const* name = find(body.tasks.front().kwargs, "name");
  auto const total = static_cast<std::int64_t>(end.parts.size());
  auto const bad = static_cast<std::int64_t>(failed.size());
  return value::map{{"id", end.group}, {"name", name ? *name : value{""}}, {"total", total}, {"succeeded", total - bad},
                    {"failed", bad},   {"failed_ids", std::move(failed)}};
}

// It is called, whatever became of the members, and then those that wait for this outcome.
bool prepare_batch_end(backend::chord_end const& end, canvas_tree& body, value::list& args) {
  auto* first = body.tasks.empty() ? nullptr : &body.tasks.front();
  auto const* callbacks = first ? find(first->extra, detail::batch_key) : nullptr;
  if (!callbacks) return false;
  auto summary = summary_of(end, body);
  bool const good = summary.find("failed_ids")->get_if<value::list>()->empty();
  if (auto const* then = callbacks->find(good ? "on_success" : "on_failure"); then && then->is<value::list>())
    if (!then->get_if<value::list>()->empty()) detail::add_calls(*first, "link", *then);
  args = {std::move(summary)};
  return true;
}

void send_body(backend::chord_end& end, canvas_tree body, value::list&& args, ended_part const* by,
               std::string const& root, policy const& with, time_point now, effects& out) {
  workflow_place place;
  place.parent_id = by != nullptr ? by->part.id.str() : end.parts.empty() ? root : end.parts.back().id.str();
  place.root_id = root;
  if (by != nullptr) place.priority = by->priority;
  sequel then;
  later_steps lost;
  collect_waiting(body, root, place.priority, lost);
  detail::feed(body, args);
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
  if (value::list args; prepare_batch_end(end, *body, args))
    return send_body(end, *std::move(body), std::move(args), by, root, with, now, out);
  for (auto const& p : end.parts)
    if (p.status != wire::state::success) return fail_chord(end, p, *body, root, with, now, out);
  auto args = arguments_of(*body, end.parts);
  send_body(end, *std::move(body), std::move(args), by, root, with, now, out);
}

}  // namespace lovage::execute
