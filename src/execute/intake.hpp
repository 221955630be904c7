// From a delivery to a request that can run, or to the reason why it cannot.
#pragma once

#include "execute/request.hpp"

#include <optional>

namespace lovage::execute {

/// Nothing when the message is not to run now; `out` then holds what becomes of it:
/// unreadable, of an unknown task, or begun too often -> dead set (with a FAILURE record where the id is known);
/// expired -> REVOKED; not due yet -> published again as delayed.
[[nodiscard]] std::optional<request> take_in(broker::delivery&& from, policy const& with, time_point now, effects& out);

/// The packed map that `context` reads.
[[nodiscard]] std::string pack_request(request const& r, policy const& with);
/// The packed [args, kwargs] that the body reads.
[[nodiscard]] std::string pack_arguments(wire::task_message const& m);

}  // namespace lovage::execute
