#include "execute/workflow.hpp"

#include "app/canvas_plan.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "execute/plain_chain.hpp"
#include "execute/workflow_calls.hpp"
#include "wire/result_tuple.hpp"

namespace lovage::execute {
namespace {

using detail::canvas_tree;
using detail::workflow_place;

expected<void> check_tasks(canvas_tree const& c, policy const& with, time_point now) {
  for (auto const& t : c.tasks)
    if (auto ok = call_after(t, {}, with, now); !ok) return fail(ok.error());
  if (!c.fan) return {};
  for (auto const& m : c.fan->members)
    if (auto ok = check_tasks(m, with, now); !ok) return ok;
  return check_tasks(c.fan->body, with, now);
}

expected<void> check_canvas(expected<canvas_tree> const& c, policy const& with, time_point now) {
  if (!c) return fail(c.error());
  if (!with.chords && detail::has_chords(*c)) return detail::no_chord_counter("celery.chord");
  return check_tasks(*c, with, now);
}

// What the body added to its chord. The ids are the same should the task run again: its worker may die with the chord
// told of them and the task not acknowledged.
expected<void> add_added(request const& r, policy const& with, time_point now, follow_up& out) {
  if (r.added.empty()) return {};
  auto const& m = r.message;
  auto const ids = detail::ids_after(m.id);
  grown_chord grown{m.group.value_or(""), {}};
  for (auto const& signature : r.added) {
    auto c = detail::canvas_of(signature);
    if (!c) return fail(c.error());
    if (c->empty()) return fail(errc::invalid_argument, "what is added to a chord has no task itself");
    detail::end_in_one_task(*c);
    detail::freeze(*c, {}, ids);
    auto& last = *detail::last_task(*c);
    grown.added.emplace_back(text_option(last, "task_id"));
    last.set_option("group_id", m.group.value_or(""));
    last.set_option("chord", m.embed.chord);
    out.children.push_back(child_of(*c).to_value());
    if (auto ok = add_canvas(*std::move(c), place_after(r, with), with, now, out); !ok) return ok;
  }
  out.grown.push_back(std::move(grown));
  return {};
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
  if (is_plain_chain(*chain, with)) return add_plain_step(*chain, result, place_after(r, with), with, now, out);
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

}  // namespace

expected<void> check_workflow(request const& r, policy const& with, time_point now) {
  auto const& e = r.message.embed;
  for (auto const* calls : {&e.callbacks, &e.errbacks})
    for (auto const& call : *calls)
      if (auto ok = check_canvas(detail::canvas_of(call), with, now); !ok) return ok;
  if (e.chain && !is_plain_chain(*e.chain, with))
    if (auto ok = check_canvas(detail::canvas_of_chain(*e.chain), with, now); !ok) return ok;
  if (e.chord.is_null()) return {};
  if (!with.chords) return detail::no_chord_counter(r.message.task);
  return is_plain_step(e.chord, with) ? expected<void>{} : check_canvas(detail::canvas_of(e.chord), with, now);
}

expected<follow_up> after_success(request const& r, value const& result, policy const& with, time_point now) {
  follow_up out;
  if (auto ok = add_links(r, result, with, now, out); !ok) return fail(ok.error());
  if (auto ok = add_next_step(r, result, with, now, out); !ok) return fail(ok.error());
  if (auto ok = add_added(r, with, now, out); !ok) return fail(ok.error());
  return out;
}

expected<follow_up> send_after(request const& r, canvas_tree c, policy const& with, time_point now) {
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

}  // namespace lovage::execute
