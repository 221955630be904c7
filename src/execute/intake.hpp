// From a delivery to a request that can run, or to the reason why it cannot.
#pragma once

#include "execute/request.hpp"

#include <optional>

namespace lovage::execute {

/// The message of a delivery with its task and limits; nothing when nobody can read it: `out` then buries it (with a
/// FAILURE record where the id is known). `from.tag` becomes the request's job number.
[[nodiscard]] std::optional<request> read(broker::delivery&& from, policy const& with, time_point now, effects& out);

/// Whether it is to run now. When not, `out` holds what becomes of it: of an unknown task, begun too often, or part of
/// a workflow that this worker cannot go on with -> dead set and FAILURE; expired -> REVOKED; not due yet -> published
/// again as delayed.
[[nodiscard]] bool admit(request const& r, policy const& with, time_point now, effects& out);

/// Both.
[[nodiscard]] std::optional<request> take_in(broker::delivery&& from, policy const& with, time_point now, effects& out);

/// The packed map that `context` reads.
[[nodiscard]] std::string pack_request(request const& r, policy const& with);
/// The packed [args, kwargs] that the body reads.
[[nodiscard]] std::string pack_arguments(wire::task_message const& m);

}  // namespace lovage::execute
