#include "execute/conclude.hpp"

#include "app/app_state.hpp"
#include "app/retry.hpp"
#include "core/log.hpp"
#include "execute/exception_name.hpp"
#include "wire/result_tuple.hpp"

#include <lovage/pack.hpp>

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

void settle(request const& r, disposition how, std::string reason, effects& out) {
  if (!r.settled) out.settlements.push_back({r.tag, how, std::move(reason)});
}

void succeed(request const& r, outcome const& end, policy const& with, time_point now, std::chrono::nanoseconds runtime,
             effects& out) {
  value result;
  try {
    result = unpacker{end.data}.any();
  } catch (error const& e) {
    return fail_request(r, with, {"EncodeError", {e.what()}, "kombu.exceptions"}, disposition::done, now, out);
  }
  if (log::enabled(log::level::info)) {
    auto const seconds = fmt::format("{:.6f}", std::chrono::duration<double>(runtime).count());
    log::info("Task " + r.label() + " succeeded in " + seconds + "s: " + wire::repr(result, 46),
              {{"task_id", r.message.id.str()}, {"task_name", r.message.task}, {"runtime", seconds}});
  }
  if (with.store_results && !r.options.ignore_result) {
    auto record = make_record(r, with, wire::state::success, std::move(result));
    record.date_done = wire::to_iso(now);
    out.records.push_back(std::move(record));
  }
  settle(r, disposition::done, {}, out);
}

void retry(request const& r, retry_plan const& plan, value::map const& details, policy const& with, time_point now,
           effects& out) {
  auto const wait = plan.eta ? std::chrono::duration<double>(*plan.eta - now).count() : 0.0;
  auto const when = fmt::format("Retry in {:.3g}s", wait);
  auto next = r.message;
  next.retries += 1;
  next.eta = plan.eta ? std::optional{datetime::from(*plan.eta)} : std::nullopt;
  next.parent_id = r.message.id.str();
  auto again = detail::outgoing_of(next, r.queue, {with.serializer, with.compression, false});
  if (!again)
    return fail_request(r, with, {"EncodeError", {again.error().text()}, "kombu.exceptions"}, disposition::bury, now,
                        out);
  again->priority = r.priority;
  auto cause = find(details, "type") ? describe_exception(text_of(details, "type", ""), text_of(details, "message", ""))
                                     : wire::exception_info{"Retry", {when}, "celery.exceptions"};
  log::info(
      "Task " + r.label() + " retry: " + when + (find(details, "type") ? ": " + cause.type + ": " + cause.text() : ""),
      {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  out.publish.push_back(*std::move(again));
  if (with.store_results && !r.options.ignore_result) {
    out.records.push_back(make_record(r, with, wire::state::retry, cause.to_value()));
    // The retry is a task that this one sent: Celery lists it, and who follows children finds it.
    out.records.back().children = value::list{wire::result_tuple{r.message.id.str(), {}, {}}.to_value()};
  }
  settle(r, disposition::done, {}, out);
}

void give_up(request const& r, value::map const& details, policy const& with, time_point now, effects& out) {
  auto const why =
      find(details, "type")
          ? describe_exception(text_of(details, "type", ""), text_of(details, "message", ""))
          : describe_exception("MaxRetriesExceededError", "Can't retry " + r.label() + " args:" + r.message.argsrepr +
                                                              " kwargs:" + r.message.kwargsrepr);
  fail_request(r, with, why, disposition::done, now, out);
}

void maybe_retry(request const& r, value::map const& details, bool automatic, policy const& with, time_point now,
                 effects& out) {
  auto const plan = plan_retry(r.options, r.message.retries, details, automatic, now, with.uniform);
  if (plan.again) return retry(r, plan, details, with, now, out);
  give_up(r, details, with, now, out);
}

void refuse(request const& r, value::map const& details, effects& out) {
  auto const reason = text_of(details, "reason", "rejected by the task");
  bool const requeue = flag_of(details, "requeue");
  log::warning("Task " + r.label() + (requeue ? " requeued" : " rejected") + (reason.empty() ? "" : ": " + reason),
               {{"task_id", r.message.id.str()}});
  settle(r, requeue ? disposition::requeue : disposition::bury, reason, out);
}

}  // namespace

void conclude(request const& r, outcome const& end, policy const& with, time_point now,
              std::chrono::nanoseconds runtime, effects& out) {
  if (end.kind == LOVAGE_SUCCESS) return succeed(r, end, with, now, runtime, out);
  auto const details = details_of(end);
  switch (end.kind) {
    case LOVAGE_RETRY: return maybe_retry(r, details, false, with, now, out);
    case LOVAGE_REJECTED: return refuse(r, details, out);
    case LOVAGE_IGNORED:
      log::info("Task " + r.label() + " ignored", {{"task_id", r.message.id.str()}});
      return settle(r, disposition::done, {}, out);
    default: break;
  }
  if (flag_of(details, "autoretry")) return maybe_retry(r, details, true, with, now, out);
  auto const why = describe_exception(text_of(details, "type", "RuntimeError"), text_of(details, "message", ""));
  fail_request(r, with, why, disposition::done, now, out);
}

void conclude_lost(request const& r, std::string const& reason, policy const& with, time_point now, effects& out) {
  wire::exception_info const why{
      "WorkerLostError", {"Worker exited prematurely: " + reason + "."}, "billiard.exceptions"};
  bool const again = !r.settled && r.options.reject_on_worker_lost &&
                     (with.delivery_limit == 0 || r.attempts + 1 < with.delivery_limit);
  if (!again)
    return fail_request(r, with, why, r.options.reject_on_worker_lost ? disposition::bury : disposition::done, now,
                        out);
  log::error("Task " + r.label() + ": " + why.text() + " It is given to another process (attempt " +
                 std::to_string(r.attempts + 2) + ")",
             {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
  settle(r, disposition::requeue, {}, out);
}

void conclude_timed_out(request const& r, policy const& with, time_point now, effects& out) {
  wire::exception_info const why{"TimeLimitExceeded", {r.options.time_limit_s}, "billiard.exceptions"};
  fail_request(r, with, why, disposition::done, now, out);
}

void conclude_started(request const& r, int pid, policy const& with, effects& out) {
  if (!r.options.track_started || r.options.ignore_result || !with.store_results) return;
  out.records.push_back(make_record(r, with, wire::state::started, value::map{{"pid", pid}, {"hostname", with.node}}));
}

void conclude_state(request const& r, std::string_view state, value meta, policy const& with, effects& out) {
  if (r.options.ignore_result || !with.store_results) return;
  out.records.push_back(make_record(r, with, state, std::move(meta)));
}

}  // namespace lovage::execute
