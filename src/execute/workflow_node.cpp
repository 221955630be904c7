#include "execute/workflow_node.hpp"

#include "app/retry.hpp"
#include "app/workflow_graph.hpp"
#include "core/log.hpp"

#include <lovage/signature_value.hpp>

namespace lovage::execute {

using detail::node_place;

void add_node_parts(request const& r, value const& result, policy const& with, std::vector<ended_part>& out) {
  if (!with.chords) return;
  auto const place = node_place::of(r.message.extra_headers);
  if (!place) return;
  for (auto const& p : place->parts)
    out.push_back({{p.group, p.index, r.message.id, wire::state::success, result}, {}, place->workflow, {}});
}

bool retry_node(request const& r, policy const& with, std::string_view why, time_point now, effects& out) {
  auto place = node_place::of(r.message.extra_headers);
  if (!place || place->tried >= place->retries) return false;
  ++place->tried;
  auto again = r.message;
  detail::set_member(again.extra_headers, detail::node_header, place->to_value());
  again.retries = 0;  // the task's own count begins anew
  again.replaced_task_nesting += 1;
  if (place->retry_delay_s > 0) again.eta = datetime::from(later(now, place->retry_delay_s));
  auto message = detail::outgoing_of(again, r.queue, {with.publishing.serializer, with.publishing.compression, false});
  if (!message) return false;
  message->priority = r.priority;
  log::warning("Task " + r.label() + " failed: " + std::string{why} + ". Its node is tried again (" +
                   std::to_string(place->tried) + " of " + std::to_string(place->retries) + ")",
               {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  sequel then;
  then.messages.push_back(*std::move(message));
  then.closings.push_back({r.job, broker::disposition::done, {}, true});
  out.sequels.push_back(std::move(then));
  return true;
}

void fail_workflow(request const& r, wire::result_record const& failed, policy const& with, effects& out) {
  auto const place = node_place::of(r.message.extra_headers);
  if (!place || !with.store_results) return;
  wire::result_record record;
  record.id = task_id{place->workflow};
  record.status = failed.status;
  record.result = failed.result;
  record.traceback = "Node '" + place->node + "', task " + r.label() + "\n" + failed.traceback.value_or("");
  record.date_done = failed.date_done;
  record.children = value::list{};
  out.records.push_back(std::move(record));
}

void hand_on_node(request const& r, detail::canvas_tree& c) {
  auto const whole = node_place::of(r.message.extra_headers);
  if (!whole) return;
  auto part = *whole;
  part.parts.clear();
  auto const* last = detail::last_task(c);
  detail::for_all_tasks(c, [&](wire::signature& s) { (&s == last ? *whole : part).put_into(s.options); });
}

}  // namespace lovage::execute
