#include "execute/request.hpp"

#include "core/log.hpp"
#include "execute/task_events.hpp"
#include "execute/workflow.hpp"
#include "execute/workflow_node.hpp"

#include <iterator>

namespace lovage::execute {

std::string request::label() const { return message.shadow.value_or(message.task) + "[" + message.id.str() + "]"; }

namespace {

template <class T>
void move_to_end(std::vector<T>& from, std::vector<T>& to) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

void effects::add(sequel&& s) {
  move_to_end(s.records, records);
  move_to_end(s.closings, closings);
  move_to_end(s.events, events);
  move_to_end(s.parts, parts);
  move_to_end(s.ended, ended);
}

namespace {

// A scheduler's own word, as a header or as a property: django-celery-beat has had it in both places.
std::string periodic_task_of(wire::task_message const& m) {
  for (auto const* from : {&m.extra_headers, &m.properties.extra})
    if (auto const* name = find(*from, "periodic_task_name"))
      if (auto const* text = name->get_if<std::string>()) return *text;
  return {};
}

}  // namespace

wire::result_record make_record(request const& r, policy const& with, std::string_view status, value result) {
  wire::result_record out;
  out.id = r.message.id;
  out.status = status;
  out.result = std::move(result);
  out.children = value::list{};
  out.reply_to = r.message.properties.reply_to;
  out.correlation_id = r.message.properties.correlation_id;
  out.group_id = r.message.group;
  out.parent_id = r.message.parent_id;
  out.reply_to = r.message.properties.reply_to;
  out.correlation_id = r.message.properties.correlation_id;
  if (with.result_extended) {
    out.periodic_task_name = periodic_task_of(r.message);
    out.extended = {{"name", r.message.task}, {"args", r.message.args},       {"kwargs", r.message.kwargs},
                    {"worker", with.node},    {"retries", r.message.retries}, {"queue", r.queue.str()}};
    if (!r.message.stamped_headers.empty()) {
      out.extended.push_back({"stamped_headers", r.message.stamped_headers});
      out.extended.insert(out.extended.end(), r.message.stamps.begin(), r.message.stamps.end());
    }
  }
  return out;
}

namespace {

void log_failure(request const& r, failure_cause const& why) {
  if (log::enabled(log::level::error))
    log::error("Task " + r.label() + " failed: " + why.exception.type + ": " + why.exception.text(),
               {{"task_id", r.message.id.str()}, {"task_name", r.message.task}, {"exception", why.exception.type}});
}

}  // namespace

void fail_request(request const& r, policy const& with, failure_cause const& why, broker::disposition how,
                  time_point now, effects& out) {
  if (how == broker::disposition::done && retry_node(r, with, why.exception.text(), now, out)) return;
  log_failure(r, why);
  tell_failed(r, with, why, now, out.events);
  bool const tells = !r.options.ignore_result || r.options.store_errors_even_if_ignored;
  auto record = make_record(r, with, wire::state::failure, why.exception.to_value());
  record.traceback = why.traceback;
  record.date_done = wire::to_iso(now);
  if (auto part = part_of(r, wire::state::failure, record.result, with)) out.parts.push_back(*std::move(part));
  auto later = steps_to_come(r);
  if (!tells) later.waiting.clear();
  auto const as_it = record;
  fail_workflow(r, record, with, out);
  if (with.store_results && tells) out.records.push_back(std::move(record));
  fail_steps(std::move(later), as_it, with,
             out);  // whoever waits for the end of the chain learns that it will not come
  closing end{r.job, how, why.exception.type + ": " + why.exception.text(), how == broker::disposition::done};
  auto calls = why.call_errbacks ? errbacks_of(r, with, now) : follow_up{};
  if (calls.messages.empty()) return out.closings.push_back(std::move(end));
  sequel then;
  then.messages = std::move(calls.messages);
  then.chords = std::move(calls.chords);
  then.closings.push_back(std::move(end));
  then.after_records = true;
  out.sequels.push_back(std::move(then));
}

void revoke_request(request const& r, policy const& with, char const* reason, time_point now, effects& out,
                    std::optional<int> signum) {
  bool const expired = std::string_view{reason} == "expired";
  log::info((expired ? "Discarding expired task: " : "Discarding revoked task: ") + r.label(),
            {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  tell_revoked(r, with, signum, expired, now, out.events);
  wire::exception_info const why{"TaskRevokedError", {reason}, "celery.exceptions"};
  auto record = make_record(r, with, wire::state::revoked, why.to_value());
  record.date_done = wire::to_iso(now);
  if (auto part = part_of(r, wire::state::revoked, record.result, with)) out.parts.push_back(*std::move(part));
  fail_workflow(r, record, with, out);
  fail_chords_to_come(r, record, with, out);
  if (with.store_results && !r.options.ignore_result) out.records.push_back(std::move(record));
  out.closings.push_back({r.job, broker::disposition::done, {}, true});
}

void fail_chords_to_come(request const& r, wire::result_record const& ended, policy const& with, effects& out) {
  auto later = steps_to_come(r);
  later.waiting.clear();
  fail_steps(std::move(later), ended, with, out);
}

// A message that came before its time waits in the broker, not in memory.
bool postpone(request const& r, policy const& with, std::optional<time_point> due, effects& out) {
  auto again =
      detail::outgoing_of(r.message, r.queue, {with.publishing.serializer, with.publishing.compression, false});
  if (!again) return false;
  again->priority = r.priority;
  if (due) again->due = due;
  sequel later;
  later.messages.push_back(*std::move(again));
  later.closings.push_back({r.job, broker::disposition::done, {}});
  out.sequels.push_back(std::move(later));
  return true;
}

}  // namespace lovage::execute
