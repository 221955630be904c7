// From events to what is known of a task: pure, in any order, twice over.
#pragma once

#include "monitor/task_record.hpp"
#include "wire/event.hpp"

#include <optional>

namespace lovage::monitor {

/// True for "task-..." events that name a task.
[[nodiscard]] bool is_of_task(wire::event const& e);
/// The task's id; empty when the event has none.
[[nodiscard]] std::string task_id_of(wire::event const& e);

/// Celery's precedence (celery.states): SUCCESS, FAILURE, own states, REVOKED, STARTED, RECEIVED, REJECTED, RETRY,
/// PENDING; what stands later here does not replace what stands before, but RETRY replaces all and is replaced by all
/// that happened after it. One thing more than Celery: being received anew, later than it failed, was revoked or
/// expired, begins a new run (what was dead is sent again under its id).
///
/// Folds `e`, which is of this task, into it. `arrived` bounds the event's own time. False when nothing changed: it has
/// been here before.
bool fold(task_record& into, wire::event const& e, time_point arrived);
/// The line of the timeline.
[[nodiscard]] task_step step_of(wire::event const& e, time_point arrived);

}  // namespace lovage::monitor
