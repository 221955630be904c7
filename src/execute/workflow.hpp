// What is called after a task: its links, the next step of its chain, its errbacks (wire-format 3.7, 3.8).
#pragma once

#include "execute/request.hpp"

namespace lovage::execute {

/// Whether this worker can do what the embed asks for; looked at before the task runs, so that no workflow stops
/// half-way. Errors: `not_supported` (chords, groups), `decode`.
[[nodiscard]] expected<void> check_workflow(request const& r, policy const& with, time_point now);

/// Messages to send, and the handles of what they start as the record's `children`.
struct follow_up {
  std::vector<broker::outgoing> messages;
  value::list children;
};

/// After success: the links, then the next step. Errors: `decode`, `encode`, `not_supported`.
[[nodiscard]] expected<follow_up> after_success(request const& r, value const& result, policy const& with,
                                                time_point now);
/// After failure. A call that cannot be made is logged and left out: the failure itself is what counts. Celery calls
/// errbacks that are registered at the same worker in place, with the exception; here all of them are sent, with the
/// id.
[[nodiscard]] std::vector<broker::outgoing> errbacks_of(request const& r, policy const& with, time_point now);

/// The steps that will not come: a record for each id that somebody may wait for.
struct waiting_step {
  task_id id;
  std::optional<std::string> group;
  std::string reply_to;
};
[[nodiscard]] std::vector<waiting_step> steps_to_come(wire::embed const& e);

}  // namespace lovage::execute
