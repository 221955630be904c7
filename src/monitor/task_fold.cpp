#include "monitor/task_fold.hpp"

#include "monitor/event_fields.hpp"
#include "monitor/failure_text.hpp"

#include <algorithm>
#include <string_view>

namespace lovage::monitor {
namespace {

constexpr std::size_t step_text = 200;
constexpr std::chrono::minutes first_lag{10};

struct kind_of_event {
  std::string_view type;
  char const* state;
  std::optional<time_point> task_record::*when;
};

constexpr kind_of_event kinds[] = {
    {"task-sent", state::pending, &task_record::sent},
    {"task-received", state::received, &task_record::received},
    {"task-started", state::started, &task_record::started},
    {"task-succeeded", state::success, &task_record::succeeded},
    {"task-failed", state::failure, &task_record::failed},
    {"task-retried", state::retry, &task_record::retried},
    {"task-revoked", state::revoked, &task_record::revoked},
    {"task-rejected", state::rejected, &task_record::rejected},
};

kind_of_event const* kind_named(std::string_view type) {
  auto const at = std::find_if(std::begin(kinds), std::end(kinds), [&](auto const& k) { return k.type == type; });
  return at == std::end(kinds) ? nullptr : at;
}

// As Celery's `states.precedence`: the lower stands.
int precedence(std::string_view s) {
  constexpr std::string_view order[] = {state::success,  state::failure,  "",           state::revoked, state::started,
                                        state::received, state::rejected, state::retry, state::pending};
  auto const at = std::find(std::begin(order), std::end(order), s);
  return at == std::end(order) ? 2 : static_cast<int>(at - std::begin(order));
}

std::string own_state(std::string_view type) {
  auto out = clean_text(type.substr(5), 64);
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

void take(std::string& into, std::string text) {
  if (!text.empty()) into = std::move(text);
}

// What does not depend on when it is told.
void describe(task_record& into, wire::event const& e, bool newest) {
  constexpr auto name = task_record::name_limit, text = task_record::text_limit;
  take(into.name, text_field(e, "name", name));
  take(into.args, text_field(e, "args", text));
  take(into.kwargs, text_field(e, "kwargs", text));
  take(into.root, text_field(e, "root_id", name));
  take(into.parent, text_field(e, "parent_id", name));
  take(into.group, text_field(e, "group_id", name));
  take(into.chord, text_field(e, "chord", name));
  take(into.stamps, map_field(e, "stamps", task_record::stamps_limit));
  take(into.queue, text_field(e, "queue", name));
  take(into.exchange, text_field(e, "exchange", name));
  take(into.routing_key, text_field(e, "routing_key", name));
  if (auto const t = time_field(e, "eta"); t && (newest || !into.eta)) into.eta = t;
  if (auto const t = time_field(e, "expires")) into.expires = t;
  if (auto const n = integer_field(e, "retries")) into.retries = std::max(into.retries, *n);
}

void note_outcome(task_record& into, wire::event const& e) {
  constexpr auto text = task_record::text_limit;
  take(into.result, text_field(e, "result", text));
  take(into.exception, text_field(e, "exception", text));
  take(into.traceback, text_field(e, "traceback", text));
  take(into.signum, text_field(e, "signum", 64));
  if (auto const seconds = real_field(e, "runtime"); seconds && *seconds >= 0) into.runtime = seconds;
}

void set_group(task_record& t) {
  t.error_group.clear();
  if (t.state != state::failure) return;
  auto const parts = parts_of_exception(t.exception);
  t.error_group = error_group_of(t.name, parts.type, alike_text(parts.message));
}

bool is_after(task_record const& t, time_point at, std::int64_t clock) {
  return at != t.updated ? at > t.updated : clock > t.clock;
}

// Whether the event's state is that of the task from now on.
bool replaces(task_record const& t, std::string_view to, bool after) {
  if (to == state::retry || t.state == state::retry) return after || t.state == state::pending;
  if (precedence(to) <= precedence(t.state)) return true;
  bool const begins = to == state::received || to == state::started;
  return after && begins && (t.state == state::failure || t.state == state::revoked);
}

}  // namespace

bool is_of_task(wire::event const& e) { return e.type.starts_with("task-") && !task_id_of(e).empty(); }

std::string task_id_of(wire::event const& e) { return text_field(e, "uuid", task_record::name_limit); }

bool fold(task_record& into, wire::event const& e, time_point arrived) {
  auto const at = time_of(e, arrived);
  auto const* kind = kind_named(e.type);
  auto const to = kind ? std::string{kind->state} : own_state(e.type);
  bool const fresh = into.first == time_point{};
  if (kind && into.*kind->when == at && (to == into.state || e.clock.value_or(0) <= into.clock)) return false;
  if (fresh) into.first = std::chrono::floor<std::chrono::milliseconds>(std::clamp(at, arrived - first_lag, arrived));
  bool const after = fresh || is_after(into, at, e.clock.value_or(0));
  if (kind) into.*kind->when = std::max((into.*kind->when).value_or(at), at);
  describe(into, e, after);
  auto& who = e.type == "task-sent" ? into.client : into.worker;
  if (after || who.empty()) who = clean_text(e.hostname, task_record::name_limit);
  bool const same = into.state == to;
  if (!(same ? after : replaces(into, to, after))) {
    set_group(into);  // a late name changes it
    return true;
  }
  note_outcome(into, e);
  into.state = to;
  into.updated = std::max(at, into.updated);
  into.clock = std::max(into.clock, kind ? e.clock.value_or(0) : 0);
  set_group(into);
  return true;
}

task_step step_of(wire::event const& e, time_point arrived) {
  task_step out{
      time_of(e, arrived), clean_text(e.type.substr(5), 64), clean_text(e.hostname, task_record::name_limit), {}};
  for (auto const* key : {"result", "exception"})
    if (out.text.empty()) out.text = text_field(e, key, step_text);
  if (kind_named(e.type) == nullptr)
    for (auto const& f : e.fields)
      if (f.key != "uuid" && out.text.size() < step_text)
        out.text += (out.text.empty() ? "" : ", ") + clean_text(f.key, 64) + "=" + text_field(e, f.key, step_text);
  out.text = clean_text(out.text, step_text);
  return out;
}

}  // namespace lovage::monitor
