#include "execute/replace.hpp"

#include "app/canvas_tree.hpp"
#include "core/log.hpp"
#include "execute/exception_name.hpp"
#include "execute/workflow.hpp"
#include "execute/workflow_node.hpp"

namespace lovage::execute {
namespace {

using detail::canvas_tree;

// Its end is the task, for whoever waits for it.
void end_as(request const& r, canvas_tree& c) {
  auto const& m = r.message;
  detail::end_in_one_task(c);
  hand_on_node(r, c);
  auto& last = *detail::last_task(c);
  last.set_option("task_id", m.id.str());
  last.set_option("replaced_task_nesting", m.replaced_task_nesting + 1);
  if (!m.properties.reply_to.empty()) last.set_option("reply_to", m.properties.reply_to);
  if (m.group) last.set_option("group_id", *m.group);
  if (m.group_index) last.set_option("group_index", *m.group_index);
  if (!m.embed.chord.is_null()) last.set_option("chord", m.embed.chord);
  if (!m.embed.callbacks.empty()) detail::add_calls(last, "link", m.embed.callbacks);
  if (m.embed.errbacks.empty()) return;
  detail::for_all_tasks(c, [&](wire::signature& s) { detail::add_calls(s, "link_error", m.embed.errbacks); });
}

expected<canvas_tree> in_place_of(request const& r, value&& signature) {
  auto c = detail::canvas_of(signature);
  if (!c) return c;
  if (c->empty()) return fail(errc::invalid_argument, "what replaces a task has no task itself");
  end_as(r, *c);
  if (!r.message.embed.chain) return c;
  auto rest = detail::canvas_of_chain(*r.message.embed.chain);
  if (!rest) return rest;
  return detail::joined(*std::move(c), *std::move(rest));
}

}  // namespace

void replace_request(request const& r, value signature, policy const& with, time_point now, effects& out) {
  auto c = in_place_of(r, std::move(signature));
  auto made = c ? send_after(r, *std::move(c), with, now) : expected<follow_up>{fail(c.error())};
  if (!made) return fail_request(r, with, {as_exception(made.error())}, broker::disposition::done, now, out);
  log::info("Task " + r.label() + " replaced", {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  sequel then;
  then.messages = std::move(made->messages);
  then.chords = std::move(made->chords);
  then.closings.push_back({r.job, broker::disposition::done, {}, true});
  auto later = steps_to_come(r);
  for (auto& step : later.waiting) then.waiting.push_back(std::move(step.id));
  then.lost = std::move(later.parts);
  out.sequels.push_back(std::move(then));
}

}  // namespace lovage::execute
