// From a signature as data back to a call that the app sends as its own.
#pragma once

#include "wire/signature.hpp"

#include <lovage/task.hpp>

namespace lovage::detail {

/// The call of one task (`map` and `starmap` are) with its options, those of `apply_async`; how its sender retries is
/// passed over. *On failure*: `invalid_argument` for a workflow, `decode` where "signature.options.<key>", for an
/// option that is none as well.
[[nodiscard]] expected<raw_call> call_of_signature(wire::signature s);

}  // namespace lovage::detail
