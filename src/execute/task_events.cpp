#include "execute/task_events.hpp"

#include "core/log.hpp"
#include "wire/json_members.hpp"
#include "wire/serializer.hpp"
#include "wire/workflow_fields.hpp"

#include <algorithm>
#include <array>

namespace lovage::execute {
namespace {

// As Celery's own limit for what a monitor shows.
constexpr std::size_t result_size = 1024;

/// Written at once: no monitor looks at values here, and a worker makes these by the hundred thousand.
class new_event : public wire::json_members {
 public:
  new_event(std::vector<wire::event>& to, request const& r, task_stage stage, std::optional<time_point> now,
            std::size_t more)
      : new_event{to.emplace_back(), r, stage, now, more} {}

 private:
  new_event(wire::event& e, request const& r, task_stage stage, std::optional<time_point> now, std::size_t more)
      : json_members{e.members} {
    e.type = event_type(stage);
    if (now) e.timestamp = std::chrono::duration<double>(now->time_since_epoch()).count();
    e.members.reserve(64 + more);
    text("uuid", r.message.id.str());
  }
};

void text_or_null(wire::json_members& to, std::string_view key, std::optional<std::string> const& s) {
  s ? to.text(key, *s) : to.null(key);
}
void time_or_null(wire::json_members& to, std::string_view key, std::optional<datetime> const& t) {
  t ? to.text(key, wire::to_iso(*t)) : to.null(key);
}

void add_with_cause(std::vector<wire::event>& to, request const& r, task_stage stage, failure_cause const& why,
                    time_point now) {
  new_event fields{to, r, stage, now, 512};
  fields.text("exception", why.exception.repr_text());
  if (why.traceback) fields.text("traceback", *why.traceback);
}

bool are_wanted(policy const& with) { return with.events != nullptr && with.events->load(std::memory_order_relaxed); }

// Whether an event is wanted.
bool tell(request const& r, policy const& with, task_stage stage, std::chrono::nanoseconds runtime = {}) {
  if (with.observe) with.observe(stage, r, runtime);
  return are_wanted(with);
}

// What lovage itself says of every event.
bool is_of_every_event(std::string_view key) {
  static constexpr std::array<std::string_view, 7> keys{"type",      "uuid", "hostname", "timestamp",
                                                        "utcoffset", "pid",  "clock"};
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Written at once, so that one that cannot be does not spoil the message that it would travel in.
expected<void> add_member(wire::json_members& to, std::string_view key, value const& v) {
  std::string text;
  if (!wire::append_json_text(text, key)) return fail(errc::encode, "a field's name is not UTF-8");
  auto const written = wire::to_json(v);
  if (!written) return fail(written.error());
  to.add(text + ": " + *written);
  return {};
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
  new_event fields{out, r, task_stage::received, now, 256 + m.argsrepr.size() + m.kwargsrepr.size()};
  fields.text("name", m.shadow ? *m.shadow : m.task);
  fields.text("args", m.argsrepr);
  fields.text("kwargs", m.kwargsrepr);
  text_or_null(fields, "root_id", m.root_id);
  text_or_null(fields, "parent_id", m.parent_id);
  fields.integer("retries", m.retries);
  time_or_null(fields, "eta", m.eta);
  time_or_null(fields, "expires", m.expires);
  fields.text("queue", r.queue.str());
  for (auto const& f : wire::workflow_fields(m))
    if (auto done = add_member(fields, f.key, f.val); !done)
      log::warning("Task " + r.label() + ": monitors are not told its " + f.key + ": " + done.error().text());
}

void tell_started(request const& r, policy const& with, time_point now, std::vector<wire::event>& out) {
  if (tell(r, with, task_stage::started)) new_event{out, r, task_stage::started, now, 0};
}

void tell_succeeded(request const& r, policy const& with, value const& result, std::chrono::nanoseconds runtime,
                    time_point now, std::vector<wire::event>& out) {
  if (!tell(r, with, task_stage::succeeded, runtime)) return;
  new_event fields{out, r, task_stage::succeeded, now, 64};
  fields.text("result", wire::repr(result, result_size));
  fields.real("runtime", std::chrono::duration<double>(runtime).count());
}

void tell_failed(request const& r, policy const& with, failure_cause const& why, time_point now,
                 std::vector<wire::event>& out) {
  if (tell(r, with, task_stage::failed)) add_with_cause(out, r, task_stage::failed, why, now);
}

void tell_retried(request const& r, policy const& with, failure_cause const& why, time_point now,
                  std::vector<wire::event>& out) {
  if (tell(r, with, task_stage::retried)) add_with_cause(out, r, task_stage::retried, why, now);
}

void tell_revoked(request const& r, policy const& with, std::optional<int> signum, bool expired, time_point now,
                  std::vector<wire::event>& out) {
  if (!tell(r, with, task_stage::revoked)) return;
  new_event fields{out, r, task_stage::revoked, now, 64};
  fields.flag("terminated", signum.has_value());
  signum ? fields.integer("signum", *signum) : fields.null("signum");
  fields.flag("expired", expired);
}

void tell_rejected(request const& r, policy const& with, bool requeue, time_point now, std::vector<wire::event>& out) {
  if (!tell(r, with, task_stage::rejected)) return;
  new_event fields{out, r, task_stage::rejected, now, 32};
  fields.flag("requeue", requeue);
}

void tell_own(request const& r, policy const& with, std::string const& type, value const& fields, time_point now,
              std::vector<wire::event>& out) {
  auto const* members = fields.get_if<value::map>();
  if (members == nullptr || type.empty() || !are_wanted(with)) return;
  wire::event e;
  e.type = type;
  e.timestamp = std::chrono::duration<double>(now.time_since_epoch()).count();
  wire::json_members to{e.members};
  to.text("uuid", r.message.id.str());
  for (auto const& m : *members) {
    if (is_of_every_event(m.key)) continue;
    if (auto done = add_member(to, m.key, m.val); !done)
      return log::warning("Task " + r.label() + ": its event " + type + " is not sent: " + done.error().text());
  }
  out.push_back(std::move(e));
}

}  // namespace lovage::execute
