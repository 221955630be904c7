// A task that another one, or a workflow, goes on for (Celery's `Task.replace`).
#pragma once

#include "execute/request.hpp"

namespace lovage::execute {

/// Sends what goes on in its place: it ends under the task's id, with its links, as its member of a group and its step
/// of a chain. The task itself stores nothing. What cannot be sent fails it.
void replace_request(request const& r, value signature, policy const& with, time_point now, effects& out);

}  // namespace lovage::execute
