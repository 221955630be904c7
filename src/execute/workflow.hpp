// What is called after a task: its links, the next step of its chain, the body of its chord, its errbacks
// (wire-format 3.7, 3.8).
#pragma once

#include "app/canvas_tree.hpp"
#include "execute/request.hpp"

#include <string_view>

namespace lovage::execute {

/// Whether this worker can do what the embed asks for; looked at before the task runs, so that no workflow stops
/// half-way. Errors: `not_supported` (a chord where the backend counts none), `decode`.
[[nodiscard]] expected<void> check_workflow(request const& r, policy const& with, time_point now);

/// The steps that will not come: a record for each id that somebody may wait for, and the parts of chords that end with
/// them.
struct waiting_step {
  task_id id;
  std::optional<std::string> group;
  std::string reply_to;
};
struct later_steps {
  std::vector<waiting_step> waiting;
  std::vector<ended_part> parts;  ///< without status and result
};
[[nodiscard]] later_steps steps_to_come(request const& r);

/// Messages to send with what they need, and the handles of what they start as the record's `children`.
struct follow_up {
  std::vector<broker::outgoing> messages;
  chord_news chords;
  std::vector<grown_chord> grown;
  value::list children;
  later_steps later;  ///< of its chain
};

/// After success: the links, then the next step. Errors: `decode`, `encode`, `not_supported`.
[[nodiscard]] expected<follow_up> after_success(request const& r, value const& result, policy const& with,
                                                time_point now);
/// A workflow that this task starts: its messages say whose child they are. Errors: as `after_success`.
[[nodiscard]] expected<follow_up> send_after(request const& r, detail::canvas_tree c, policy const& with,
                                             time_point now);
/// After failure. A call that cannot be made is logged and left out: the failure itself is what counts. Celery calls
/// errbacks that are registered at the same worker in place, with the exception; here all of them are sent, with the
/// id.
[[nodiscard]] follow_up errbacks_of(request const& r, policy const& with, time_point now);

/// This task as a part of its chord, if it is one. `result`: the exception map of what failed.
[[nodiscard]] std::optional<ended_part> part_of(request const& r, std::string_view status, value result,
                                                policy const& with);
/// What stands in the place of a body that the backend keeps, called by another kind of worker.
[[nodiscard]] bool stands_for_body(request const& r);
[[nodiscard]] kept_body body_behind(request const& r);
/// Its later steps fail with it: `failed` gives the exception map, traceback and time.
void fail_steps(later_steps&& steps, wire::result_record const& failed, policy const& with, effects& out);

/// All parts of a chord are in: its body is sent, or fails with Celery's ChordError and calls its errbacks. `by`: the
/// part that came last; null where nobody knows.
void conclude_chord(backend::chord_end&& end, ended_part const* by, policy const& with, time_point now, effects& out);

}  // namespace lovage::execute
