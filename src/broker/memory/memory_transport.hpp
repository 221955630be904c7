#pragma once

#include "broker/transport.hpp"
#include "core/clock.hpp"

#include <memory>
#include <string>

namespace lovage::broker {

/// `memory://name`: within this process, gone with the last transport of that name. For tests.
[[nodiscard]] expected<std::shared_ptr<transport>> make_memory_transport(std::string const& url, now_fn now,
                                                                         deadline until);

}  // namespace lovage::broker
