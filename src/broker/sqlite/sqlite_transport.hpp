#pragma once

#include "broker/transport.hpp"
#include "core/clock.hpp"

#include <memory>
#include <string>

namespace lovage::broker {

/// `sqlite:///relative.db`, `sqlite:////absolute.db`, options `?synchronous=full`, `?lease=15`.
[[nodiscard]] expected<std::shared_ptr<transport>> make_sqlite_transport(std::string const& url, now_fn now,
                                                                         deadline until);

}  // namespace lovage::broker
