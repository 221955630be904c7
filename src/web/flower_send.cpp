// Flower's API that sends tasks, reads their results and stops them: /api/task/...
#include "web/flower.hpp"
#include "web/sending.hpp"
#include "web/views.hpp"

namespace lovage::web {
namespace {

// A handler's thread waits for that long at most.
constexpr std::chrono::seconds longest_wait{600};

async_result<value> send_from(site& s, request const& r) {
  auto body = json_body(r).value();
  auto call = sending_of(std::move(body));
  return s.on.send_named(std::string{r.parameters.get("taskname")}, std::move(call.args), std::move(call.kwargs),
                         options_of(call.options));
}

response flower_async_apply(site& s, request const& r, bool known_only) {
  if (known_only) flower::need_task(s, std::string{r.parameters.get("taskname")});
  auto const sent = send_from(s, r);
  value::map out{{"task-id", sent.id().str()}};
  if (s.on.state()->has_backend()) out.push_back({"state", sent.status().state});
  return json_response(out);
}

void need_backend(site& s) {
  if (!s.on.state()->has_backend())
    throw error{errc::unavailable, "no result backend is set (result_backend)", "result_backend"};
}

response flower_apply(site& s, request const& r) {
  flower::need_task(s, std::string{r.parameters.get("taskname")});
  need_backend(s);
  auto const sent = send_from(s, r);
  if (!sent.wait(deadline::in(longest_wait)))
    return flower::refuse(504, "'" + sent.id().str() + "' has not ended yet; ask for its result later");
  auto const status = sent.status();
  value::map out{{"task-id", sent.id().str()}};
  flower::add_result(out, status, s.with.mask_arguments);
  out.push_back({"state", status.state});
  return json_response(out);
}

response flower_result(site& s, request const& r) {
  need_backend(s);
  std::string const id{r.parameters.get("taskid")};
  auto const timeout = flower::number(r, "timeout");
  auto const handle = s.on.result(task_id{id});
  auto const before = handle.status();
  value::map out{{"task-id", id}, {"state", before.state}};
  if (timeout && *timeout > 0) {
    auto const longest = std::chrono::duration<double>{std::min(*timeout, static_cast<double>(longest_wait.count()))};
    if (!handle.wait(deadline::in(longest))) return json_response(out);
    flower::add_result(out, handle.status(), s.with.mask_arguments);
  } else if (before.ready()) {
    flower::add_result(out, before, s.with.mask_arguments);
  }
  return json_response(out);
}

// What Celery's abortable tasks look for.
response flower_abort(site& s, request const& r) {
  need_backend(s);
  std::string const id{r.parameters.get("taskid")};
  wire::result_record aborted;
  aborted.id = task_id{id};
  aborted.status = "ABORTED";
  std::vector<wire::result_record> const records{std::move(aborted)};
  auto const expires = std::chrono::duration_cast<std::chrono::seconds>(s.on.settings().result_expires());
  s.on.state()->backend(site::soon()).value()->store(records, expires, site::soon()).value();
  return flower::message("Aborted '" + id + "'");
}

response flower_revoke(site& s, request const& r) {
  std::string const id{r.parameters.get("taskid")};
  auto signal = flower::argument(r, "signal").value_or("");
  (void)s.on.control().revoke(task_id{id}, flower::flag(r, "terminate"),
                              signal.empty() ? "SIGTERM" : std::move(signal));
  return flower::message("Revoked '" + id + "'");
}

void add_task_order(router& to, char const* path, char const* summary, std::vector<std::string> takes, handler serve) {
  to.add({.method = "POST",
          .pattern = std::string{"/api/task/"} + path,
          .access = access::operate,
          .serve = std::move(serve),
          .summary = summary,
          .takes = std::move(takes),
          .audited = true,
          .flower = true});
}

}  // namespace

void add_flower_send_routes(router& to, site& s) {
  std::vector<std::string> const call{"args: list", "kwargs: map", "and the options of apply_async: in the body"};
  add_task_order(to, "apply/{taskname+}", "Runs a task and waits for its result", call,
                 [&s](request const& r) { return flower_apply(s, r); });
  add_task_order(to, "async-apply/{taskname+}", "Runs a task that is known", call,
                 [&s](request const& r) { return flower_async_apply(s, r, true); });
  add_task_order(to, "send-task/{taskname+}", "Sends a task, known or not", call,
                 [&s](request const& r) { return flower_async_apply(s, r, false); });
  add_task_order(to, "abort/{taskid+}", "Asks an abortable task to end", {},
                 [&s](request const& r) { return flower_abort(s, r); });
  add_task_order(to, "revoke/{taskid+}", "Keeps a task from running",
                 {"terminate: also where it runs", "signal: with this one"},
                 [&s](request const& r) { return flower_revoke(s, r); });
  to.add({.method = "GET",
          .pattern = "/api/task/result/{taskid+}",
          .serve = [&s](request const& r) { return flower_result(s, r); },
          .summary = "A task's result",
          .takes = {"timeout: wait so many seconds for it"},
          .flower = true});
}

}  // namespace lovage::web
