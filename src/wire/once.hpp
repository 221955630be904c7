// A message that may be sent more than once, and a task that is to run once all the same.
#pragma once

#include <string_view>

namespace lovage::wire {

/// Header of our own. Whoever sends a task whose sending a crash may repeat (an occurrence of a schedule, a row of an
/// outbox) gives each sending another text here. A worker runs a task's id for one of these texts only, claimed in the
/// result backend before it begins: a second sending is acknowledged and dropped, while the same message, delivered
/// again after a worker's death, runs. Celery's workers pay no attention.
inline constexpr std::string_view once_header = "lovage_once";

}  // namespace lovage::wire
