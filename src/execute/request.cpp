#include "execute/request.hpp"

#include "core/log.hpp"
#include "execute/task_events.hpp"
#include "execute/workflow.hpp"

namespace lovage::execute {

std::string request::label() const { return message.shadow.value_or(message.task) + "[" + message.id.str() + "]"; }

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

// Whoever waits for the end of the chain learns that it will not come.
void fail_later_steps(request const& r, failure_cause const& why, time_point now, effects& out) {
  for (auto& step : steps_to_come(r.message.embed)) {
    wire::result_record record;
    record.id = std::move(step.id);
    record.status = wire::state::failure;
    record.result = why.exception.to_value();
    record.traceback = why.traceback;
    record.children = value::list{};
    record.date_done = wire::to_iso(now);
    record.group_id = std::move(step.group);
    record.reply_to = std::move(step.reply_to);
    record.correlation_id = record.id.str();
    out.records.push_back(std::move(record));
  }
}

}  // namespace

void fail_request(request const& r, policy const& with, failure_cause const& why, broker::disposition how,
                  time_point now, effects& out) {
  log_failure(r, why);
  tell_failed(r, with, why, now, out.events);
  if (with.store_results && (!r.options.ignore_result || r.options.store_errors_even_if_ignored)) {
    auto record = make_record(r, with, wire::state::failure, why.exception.to_value());
    record.traceback = why.traceback;
    record.date_done = wire::to_iso(now);
    out.records.push_back(std::move(record));
    fail_later_steps(r, why, now, out);
  }
  closing end{r.job, how, why.exception.type + ": " + why.exception.text(), how == broker::disposition::done};
  auto calls = why.call_errbacks ? errbacks_of(r, with, now) : std::vector<broker::outgoing>{};
  if (calls.empty()) return out.closings.push_back(std::move(end));
  sequel then;
  then.messages = std::move(calls);
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
  if (with.store_results && !r.options.ignore_result) {
    wire::exception_info const why{"TaskRevokedError", {reason}, "celery.exceptions"};
    auto record = make_record(r, with, wire::state::revoked, why.to_value());
    record.date_done = wire::to_iso(now);
    out.records.push_back(std::move(record));
  }
  out.closings.push_back({r.job, broker::disposition::done, {}, true});
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
