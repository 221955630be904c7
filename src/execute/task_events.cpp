#include "execute/task_events.hpp"

namespace lovage::execute {
namespace {

// As Celery's own limit for what a monitor shows.
constexpr std::size_t result_size = 1024;

wire::event make(request const& r, task_stage stage, std::optional<time_point> now, std::size_t more) {
  wire::event e;
  e.type = event_type(stage);
  if (now) e.timestamp = std::chrono::duration<double>(now->time_since_epoch()).count();
  e.fields.reserve(1 + more);
  e.fields.push_back({"uuid", r.message.id.str()});
  return e;
}

value text_or_null(std::optional<std::string> const& s) { return s ? value{*s} : value{}; }
value time_or_null(std::optional<datetime> const& t) { return t ? value{wire::to_iso(*t)} : value{}; }

// As Python's repr of an exception: "ValueError('no url')".
std::string repr_of(wire::exception_info const& e) {
  std::string out = e.type + "(";
  for (bool first = true; auto const& part : e.message) {
    if (!std::exchange(first, false)) out += ", ";
    out += wire::repr(part, result_size);
  }
  return out += ")";
}

wire::event with_cause(request const& r, task_stage stage, failure_cause const& why, time_point now) {
  auto e = make(r, stage, now, 2);
  e.fields.push_back({"exception", repr_of(why.exception)});
  if (why.traceback) e.fields.push_back({"traceback", *why.traceback});
  return e;
}

// Whether an event is wanted.
bool tell(request const& r, policy const& with, task_stage stage, std::chrono::nanoseconds runtime = {}) {
  if (with.observe) with.observe(stage, r, runtime);
  return with.events != nullptr && with.events->load(std::memory_order_relaxed);
}

}  // namespace

char const* event_type(task_stage stage) noexcept {
  switch (stage) {
    case task_stage::received: return "task-received";
    case task_stage::started: return "task-started";
    case task_stage::succeeded: return "task-succeeded";
    case task_stage::failed: return "task-failed";
    case task_stage::retried: return "task-retried";
    case task_stage::revoked: return "task-revoked";
    case task_stage::rejected: return "task-rejected";
  }
  return "";
}

void tell_received(request const& r, policy const& with, time_point now, std::vector<wire::event>& out) {
  if (!tell(r, with, task_stage::received)) return;
  auto const& m = r.message;
  auto e = make(r, task_stage::received, now, 8);
  e.fields.push_back({"name", m.shadow.value_or(m.task)});
  e.fields.push_back({"args", m.argsrepr});
  e.fields.push_back({"kwargs", m.kwargsrepr});
  e.fields.push_back({"root_id", text_or_null(m.root_id)});
  e.fields.push_back({"parent_id", text_or_null(m.parent_id)});
  e.fields.push_back({"retries", m.retries});
  e.fields.push_back({"eta", time_or_null(m.eta)});
  e.fields.push_back({"expires", time_or_null(m.expires)});
  out.push_back(std::move(e));
}

void tell_started(request const& r, policy const& with, std::vector<wire::event>& out) {
  if (tell(r, with, task_stage::started)) out.push_back(make(r, task_stage::started, std::nullopt, 0));
}

void tell_succeeded(request const& r, policy const& with, value const& result, std::chrono::nanoseconds runtime,
                    time_point now, std::vector<wire::event>& out) {
  if (!tell(r, with, task_stage::succeeded, runtime)) return;
  auto e = make(r, task_stage::succeeded, now, 2);
  e.fields.push_back({"result", wire::repr(result, result_size)});
  e.fields.push_back({"runtime", std::chrono::duration<double>(runtime).count()});
  out.push_back(std::move(e));
}

void tell_failed(request const& r, policy const& with, failure_cause const& why, time_point now,
                 std::vector<wire::event>& out) {
  if (tell(r, with, task_stage::failed)) out.push_back(with_cause(r, task_stage::failed, why, now));
}

void tell_retried(request const& r, policy const& with, failure_cause const& why, time_point now,
                  std::vector<wire::event>& out) {
  if (tell(r, with, task_stage::retried)) out.push_back(with_cause(r, task_stage::retried, why, now));
}

void tell_revoked(request const& r, policy const& with, std::optional<int> signum, bool expired, time_point now,
                  std::vector<wire::event>& out) {
  if (!tell(r, with, task_stage::revoked)) return;
  auto e = make(r, task_stage::revoked, now, 3);
  e.fields.push_back({"terminated", signum.has_value()});
  e.fields.push_back({"signum", signum ? value{*signum} : value{}});
  e.fields.push_back({"expired", expired});
  out.push_back(std::move(e));
}

void tell_rejected(request const& r, policy const& with, bool requeue, time_point now, std::vector<wire::event>& out) {
  if (!tell(r, with, task_stage::rejected)) return;
  auto e = make(r, task_stage::rejected, now, 1);
  e.fields.push_back({"requeue", requeue});
  out.push_back(std::move(e));
}

}  // namespace lovage::execute
