// From a message that came to the one that goes on. Pure.
#pragma once

#include "broker/transport.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace lovage::relaying {

/// As it came, to the queue of the same name, with one header more (wire/once.hpp): `text` is another one for every
/// sending, and takes the place of what an earlier one said. Its time, where that is still to come, is the target's to
/// wait for.
[[nodiscard]] broker::outgoing forwarded(broker::delivery const& from, std::string text, time_point now);

/// All of them, in order, with a fresh text each.
[[nodiscard]] std::vector<broker::outgoing> forwarded(std::span<broker::delivery const> from, time_point now,
                                                      std::function<std::string()> const& next_text);

}  // namespace lovage::relaying
