// Where in a workflow a task stands, as lovage's events tell it beyond Celery's fields.
#pragma once

#include "wire/task_message.hpp"

#include <lovage/value.hpp>

namespace lovage::wire {

/// "group_id"; "chord", the id of what is called when the group has ended; "stamps". Each only where there is one: most
/// tasks have none. Celery's monitors keep fields that they do not know.
[[nodiscard]] value::map workflow_fields(task_message const& m);

}  // namespace lovage::wire
