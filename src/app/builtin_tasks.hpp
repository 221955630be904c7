// The tasks of Celery's own that any worker knows, for workflows (wire-format 15) and schedulers.
#pragma once

#include "app/registry.hpp"

#include <map>
#include <string>

namespace lovage {

/// celery.map, celery.starmap, celery.chunks, celery.accumulate and celery.backend_cleanup. What they call is looked up
/// in `tasks`, which outlives them, and runs in place: without id, events or result of its own.
[[nodiscard]] std::map<std::string, task_entry, std::less<>> make_builtin_tasks(task_registry::impl const& tasks);

}  // namespace lovage
