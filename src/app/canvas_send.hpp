// Sending a whole workflow: task, chain, group, chord, chunks, map, starmap, nested to any depth.
#pragma once

#include "app/app_state.hpp"
#include "wire/result_tuple.hpp"
#include "wire/signature.hpp"

#include <cstddef>
#include <functional>
#include <optional>

namespace lovage::detail {

/// Messages that the broker has, of all that are sent now (later steps are sent by workers).
using canvas_progress = std::function<void(std::size_t sent, std::size_t all)>;

/// Sends the first tasks of a workflow and announces its chords; the rest travels with them. Every task has its id
/// before the first message goes out: the handle tells those of the last step, and by `parent` of those before it.
/// Large groups go out in batches, each of which is told to `progress`.
/// *On failure*: `invalid_argument` (nothing to send), `not_supported` (a chord without a backend that counts chords),
/// `decode` (broken signature), and as for a single task; "N of M were sent" stands in the detail when some were.
[[nodiscard]] expected<wire::result_tuple> send_canvas(app_state& app, wire::signature workflow, deadline until,
                                                       canvas_progress const& progress = {});

/// A group of what `next` gives, until it gives nothing; what was sent of it is forgotten at once. `all`: how many that
/// will be, for `progress`; zero: not known. *On failure*: as above, and `invalid_argument` for a member that ends in a
/// group, or that has no task.
[[nodiscard]] expected<wire::result_tuple> send_members(app_state& app,
                                                        std::function<std::optional<wire::signature>()> const& next,
                                                        std::size_t all, deadline until,
                                                        canvas_progress const& progress = {});

}  // namespace lovage::detail
