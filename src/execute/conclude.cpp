#include "execute/conclude.hpp"

#include "app/app_state.hpp"
#include "app/retry.hpp"
#include "core/log.hpp"
#include "execute/exception_name.hpp"
#include "execute/replace.hpp"
#include "execute/task_events.hpp"
#include "execute/traceback.hpp"
#include "execute/workflow.hpp"
#include "execute/workflow_node.hpp"
#include "wire/result_tuple.hpp"

#include <lovage/unpack.hpp>

#include <charconv>

#include <fmt/format.h>

namespace lovage::execute {
namespace {

using broker::disposition;

value::map details_of(outcome const& end) {
  if (end.data.empty()) return {};
  try {
    auto v = unpacker{end.data}.any();
    if (auto* m = v.get_if<value::map>()) return std::move(*m);
  } catch (error const&) {  // a plug-in that writes garbage has failed; what it said is lost
  }
  return {};
}

std::string text_of(value::map const& details, char const* key, char const* otherwise) {
  auto const* v = find(details, key);
  auto const* s = v ? v->get_if<std::string>() : nullptr;
  return s ? *s : otherwise;
}

bool flag_of(value::map const& details, char const* key) {
  auto const* v = find(details, key);
  auto const* b = v ? v->get_if<bool>() : nullptr;
  return b && *b;
}

closing closing_of(request const& r, disposition how, std::string reason = {}) {
  return {r.job, how, std::move(reason), how == disposition::done};
}

// What is acknowledged before its run is so already.
bool acknowledges_timeout(request const& r) { return r.settled || r.options.acknowledges_timeout(); }
disposition after_failure(request const& r) {
  return r.settled || r.options.acknowledges_failure() ? disposition::done : disposition::bury;
}

thrown exception_of(value::map const& details) {
  return {text_of(details, "type", "RuntimeError"), text_of(details, "message", "")};
}

// Outermost first: what the exception was nested in, as the body's side wrote it.
std::vector<thrown> causes_of(value::map const& details) {
  std::vector<thrown> out;
  auto const* list = find(details, "causes");
  auto const* causes = list ? list->get_if<value::list>() : nullptr;
  for (std::size_t i = 0; causes && i < causes->size(); ++i) {
    auto const* cause = (*causes)[i].get_if<value::map>();
    if (cause) out.push_back({text_of(*cause, "type", "unknown"), text_of(*cause, "message", "")});
  }
  return out;
}

failure_cause cause_of(request const& r, value::map const& details, policy const& with) {
  auto const what = exception_of(details);
  auto exception = describe_exception(what.type, what.message);
  if (auto module = text_of(details, "module", ""); !module.empty()) exception.module = std::move(module);
  return {std::move(exception), traceback_of(r, with, what, causes_of(details))};
}

void log_success(request const& r, value const& result, std::chrono::nanoseconds runtime) {
  if (!log::enabled(log::level::info)) return;
  auto const seconds = fmt::format("{:.6f}", std::chrono::duration<double>(runtime).count());
  log::info("Task " + r.label() + " succeeded in " + seconds + "s: " + wire::repr(result, 46),
            {{"task_id", r.message.id.str()}, {"task_name", r.message.task}, {"runtime", seconds}});
}

// What fails with it should a message be refused for good.
void add_later_steps(later_steps&& later, sequel& to) {
  for (auto& step : later.waiting) to.waiting.push_back(std::move(step.id));
  to.lost = std::move(later.parts);
}

void succeed(request const& r, outcome const& end, policy const& with, time_point now, std::chrono::nanoseconds runtime,
             effects& out) {
  value result;
  try {
    result = unpacker{end.data}.any();
  } catch (error const& e) {
    return fail_request(r, with, {{"EncodeError", {e.what()}, "kombu.exceptions"}}, disposition::done, now, out);
  }
  auto next = after_success(r, result, with, now);
  if (!next) return fail_request(r, with, {as_exception(next.error())}, disposition::done, now, out);
  log_success(r, result, runtime);
  bool const calls = !next->messages.empty();
  sequel then;
  tell_succeeded(r, with, result, runtime, now, calls ? then.events : out.events);
  if (auto part = part_of(r, wire::state::success, result, with))
    (calls ? then.parts : out.parts).push_back(*std::move(part));
  add_node_parts(r, result, with, calls ? then.parts : out.parts);
  auto& records = calls ? then.records : out.records;
  if (with.store_results && !r.options.ignore_result) {
    records.push_back(make_record(r, with, wire::state::success, std::move(result)));
    records.back().children = std::move(next->children);
    records.back().date_done = wire::to_iso(now);
  }
  if (!calls) return out.closings.push_back(closing_of(r, disposition::done));
  then.messages = std::move(next->messages);
  then.chords = std::move(next->chords);
  then.may_have_run = !next->grown.empty();
  then.grown = std::move(next->grown);
  then.closings.push_back(closing_of(r, disposition::done));
  add_later_steps(std::move(next->later), then);
  out.sequels.push_back(std::move(then));
}

expected<broker::outgoing> next_try(request const& r, retry_plan const& plan, policy const& with) {
  auto next = r.message;
  next.retries += 1;
  next.eta = plan.eta ? std::optional{datetime::from(*plan.eta)} : std::nullopt;
  next.parent_id = r.message.id.str();
  auto out = detail::outgoing_of(next, r.queue, {with.publishing.serializer, with.publishing.compression, false});
  if (out) out->priority = r.priority;
  return out;
}

void retry(request const& r, retry_plan const& plan, value::map const& details, policy const& with, time_point now,
           effects& out) {
  auto const wait = plan.eta ? std::chrono::duration<double>(*plan.eta - now).count() : 0.0;
  auto const when = fmt::format("Retry in {:.3g}s", wait);
  auto again = next_try(r, plan, with);
  if (!again) return fail_request(r, with, {as_exception(again.error())}, disposition::bury, now, out);
  bool const caused = find(details, "type") != nullptr;
  auto const cause = caused ? cause_of(r, details, with) : failure_cause{{"Retry", {when}, "celery.exceptions"}};
  log::info("Task " + r.label() + " retry: " + when +
                (caused ? ": " + cause.exception.type + ": " + cause.exception.text() : ""),
            {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  sequel then;
  then.messages.push_back(*std::move(again));
  then.closings.push_back(closing_of(r, disposition::done));
  add_later_steps(steps_to_come(r), then);
  tell_retried(r, with, cause, now, then.events);
  if (with.store_results && !r.options.ignore_result) {
    auto record = make_record(r, with, wire::state::retry, cause.exception.to_value());
    record.traceback = cause.traceback;
    record.children = value::list{wire::result_tuple{r.message.id.str(), {}, std::nullopt}.to_value()};
    then.records.push_back(std::move(record));
  }
  out.sequels.push_back(std::move(then));
}

void give_up(request const& r, value::map const& details, policy const& with, time_point now, effects& out) {
  if (find(details, "type")) return fail_request(r, with, cause_of(r, details, with), after_failure(r), now, out);
  thrown const why{"MaxRetriesExceededError",
                   "Can't retry " + r.label() + " args:" + r.message.argsrepr + " kwargs:" + r.message.kwargsrepr};
  fail_request(r, with, {describe_exception(why.type, why.message), traceback_of(r, with, why)}, after_failure(r), now,
               out);
}

void maybe_retry(request const& r, value::map const& details, bool automatic, policy const& with, time_point now,
                 effects& out) {
  auto const plan = plan_retry(r.options, r.message.retries, details, automatic, now, with.uniform);
  if (plan.again) return retry(r, plan, details, with, now, out);
  give_up(r, details, with, now, out);
}

void refuse(request const& r, value::map const& details, policy const& with, time_point now, effects& out) {
  auto const reason = text_of(details, "reason", "rejected by the task");
  bool const requeue = flag_of(details, "requeue");
  log::warning("Task " + r.label() + (requeue ? " requeued" : " rejected") + (reason.empty() ? "" : ": " + reason),
               {{"task_id", r.message.id.str()}});
  tell_rejected(r, with, requeue, now, out.events);
  out.closings.push_back(closing_of(r, requeue ? disposition::requeue : disposition::bury, reason));
}

// It has no result to put into the list that the body of its chord waits for: the chord fails instead of waiting for
// ever, and so does a workflow.
void ignore(request const& r, policy const& with, time_point now, effects& out) {
  wire::exception_info const why{"Ignore", {}, "celery.exceptions"};
  if (auto part = part_of(r, wire::state::failure, why.to_value(), with)) out.parts.push_back(*std::move(part));
  auto record = make_record(r, with, wire::state::failure, why.to_value());
  record.date_done = wire::to_iso(now);
  fail_workflow(r, record, with, out);
  fail_chords_to_come(r, record, with, out);
}

}  // namespace

void conclude(request const& r, outcome const& end, policy const& with, time_point now,
              std::chrono::nanoseconds runtime, effects& out) {
  if (end.kind == LOVAGE_SUCCESS) return succeed(r, end, with, now, runtime, out);
  if (end.kind == LOVAGE_REPLACED) return replace_request(r, value{details_of(end)}, with, now, out);
  auto const details = details_of(end);
  switch (end.kind) {
    case LOVAGE_RETRY: return maybe_retry(r, details, false, with, now, out);
    case LOVAGE_REJECTED: return refuse(r, details, with, now, out);
    case LOVAGE_IGNORED:
      log::info("Task " + r.label() + " ignored", {{"task_id", r.message.id.str()}});
      ignore(r, with, now, out);
      return out.closings.push_back(closing_of(r, disposition::done));
    default: break;
  }
  if (flag_of(details, "autoretry")) return maybe_retry(r, details, true, with, now, out);
  fail_request(r, with, cause_of(r, details, with), after_failure(r), now, out);
}

void conclude_lost(request const& r, std::string const& reason, policy const& with, time_point now, effects& out) {
  thrown const what{"WorkerLostError", "Worker exited prematurely: " + reason + "."};
  failure_cause const why{{what.type, {what.message}, "billiard.exceptions"}, traceback_of(r, with, what)};
  bool const again = !r.settled && r.options.reject_on_worker_lost &&
                     (with.delivery_limit == 0 || r.attempts + 1 < with.delivery_limit);
  if (!again)
    return fail_request(r, with, why, r.options.reject_on_worker_lost ? disposition::bury : disposition::done, now,
                        out);
  log::error("Task " + r.label() + ": " + what.message + " It is given to another process (attempt " +
                 std::to_string(r.attempts + 2) + ")",
             {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  tell_rejected(r, with, true, now, out.events);
  out.closings.push_back(closing_of(r, disposition::requeue));
}

void conclude_timed_out(request const& r, policy const& with, time_point now, effects& out) {
  bool const acknowledged = acknowledges_timeout(r);
  bool const again = !acknowledged && (with.delivery_limit == 0 || r.attempts + 1 < with.delivery_limit);
  if (again) {
    log::error("Task " + r.label() + " exceeded its hard time limit. It is given back",
               {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
    return out.closings.push_back(closing_of(r, disposition::requeue));
  }
  wire::exception_info const why{"TimeLimitExceeded", {r.options.time_limit_s}, "billiard.exceptions"};
  fail_request(r, with, {why}, acknowledged ? disposition::done : disposition::bury, now, out);
}

// "signal 15 (SIGTERM)" is 15.
static std::optional<int> signal_in(std::string_view reason) {
  constexpr std::string_view before = "signal ";
  if (!reason.starts_with(before)) return std::nullopt;
  int number = 0;
  auto const digits = reason.substr(before.size());
  auto const read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return read.ec == std::errc{} ? std::optional{number} : std::nullopt;
}

void conclude_terminated(request const& r, std::string const& reason, policy const& with, time_point now,
                         effects& out) {
  log::warning("Task " + r.label() + " terminated: " + reason,
               {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  revoke_request(r, with, "terminated", now, out, signal_in(reason));
}

void conclude_started(request const& r, int pid, policy const& with, time_point now, effects& out) {
  tell_started(r, with, now, out.events);
  if (!r.options.track_started || r.options.ignore_result || !with.store_results) return;
  out.records.push_back(make_record(r, with, wire::state::started, value::map{{"pid", pid}, {"hostname", with.node}}));
}

void conclude_state(request& r, std::string_view state, value meta, policy const& with, effects& out) {
  if (state == "lovage.add_to_chord") return r.added.push_back(std::move(meta));
  if (r.options.ignore_result || !with.store_results) return;
  out.records.push_back(make_record(r, with, state, std::move(meta)));
}

}  // namespace lovage::execute
