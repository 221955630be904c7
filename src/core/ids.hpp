// Fresh identifiers.
#pragma once

#include <lovage/types.hpp>

#include <string>

namespace lovage {

/// A random (version 4) UUID from the kernel's generator. *Threads*: any; safe after fork.
[[nodiscard]] uuid random_uuid();

/// A fresh task id: random UUID in lower-case canonical text, as Celery makes them.
[[nodiscard]] task_id new_task_id();

/// Host name of this machine, "localhost" when it has none.
[[nodiscard]] std::string host_name();

/// Celery's anonymous name of a client: "gen<pid>@<host>".
[[nodiscard]] std::string anonymous_name();

}  // namespace lovage
