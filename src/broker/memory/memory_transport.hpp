#pragma once

#include "broker/transport.hpp"

#include <memory>

namespace lovage::broker {

/// `memory://name`: within this process, gone with the last transport of that name. For tests.
[[nodiscard]] expected<std::shared_ptr<transport>> make_memory_transport(settings with, deadline until);

}  // namespace lovage::broker
