// What is told of a task: to monitors as events (wire-format 9.4), and to the worker's own observer.
#pragma once

#include "execute/request.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace lovage::execute {

/// "task-received", ...: the type of its event.
[[nodiscard]] char const* event_type(task_stage stage) noexcept;

// Each tells the observer, and adds an event when monitors want one.
void tell_received(request const& r, policy const& with, time_point now, std::vector<wire::event>& out);
void tell_started(request const& r, policy const& with, time_point now, std::vector<wire::event>& out);
void tell_succeeded(request const& r, policy const& with, value const& result, std::chrono::nanoseconds runtime,
                    time_point now, std::vector<wire::event>& out);
void tell_failed(request const& r, policy const& with, failure_cause const& why, time_point now,
                 std::vector<wire::event>& out);
void tell_retried(request const& r, policy const& with, failure_cause const& why, time_point now,
                  std::vector<wire::event>& out);
/// `signum`: of the signal that ended it, when it ran.
void tell_revoked(request const& r, policy const& with, std::optional<int> signum, bool expired, time_point now,
                  std::vector<wire::event>& out);
void tell_rejected(request const& r, policy const& with, bool requeue, time_point now, std::vector<wire::event>& out);

/// An event of the task's own, for monitors alone: `fields` is its map. One that cannot be written is logged.
void tell_own(request const& r, policy const& with, std::string const& type, value const& fields, time_point now,
              std::vector<wire::event>& out);

}  // namespace lovage::execute
