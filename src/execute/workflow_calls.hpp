// What workflow.cpp and chord_end.cpp make messages with.
#pragma once

#include "app/signature_message.hpp"
#include "execute/workflow.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lovage::execute {

/// Of what a task sends: whose child it is.
[[nodiscard]] detail::workflow_place place_after(request const& r, policy const& with);
/// Errors: as `detail::call_of`; `not_supported` for an exchange where the broker has none.
[[nodiscard]] expected<detail::addressed_call> call_after(wire::signature s, detail::workflow_place place,
                                                          policy const& with, time_point now);
/// The messages and chords with which a frozen workflow begins.
[[nodiscard]] expected<void> add_canvas(detail::canvas_tree c, detail::workflow_place const& place, policy const& with,
                                        time_point now, follow_up& out);
/// One task to send now; its options say the rest. Errors: as `call_after`, and `encode`.
[[nodiscard]] expected<void> add_call(wire::signature task, detail::workflow_place const& place, policy const& with,
                                      time_point now, follow_up& out);
/// Calls an errback with the id of what failed.
[[nodiscard]] expected<void> add_errback(value const& call, std::string const& failed, detail::workflow_place place,
                                         policy const& with, time_point now, follow_up& out);

/// What it begins with: a task, or a group.
[[nodiscard]] wire::result_tuple child_of(detail::canvas_tree const& c);
[[nodiscard]] std::string text_option(wire::signature const& s, char const* key);
/// A body as the members of a chord carry it; null where the backend keeps it.
[[nodiscard]] value carried_body(value const& body);
/// Those that somebody may wait for. Whoever waits for a chord waits for its body.
void collect_waiting(detail::canvas_tree const& c, std::string const& root, std::optional<int> priority,
                     later_steps& out);
/// The errbacks of what would have begun, each with its id.
void collect_errbacks(detail::canvas_tree const& c, std::vector<std::pair<std::string, value>>& out);

}  // namespace lovage::execute
