#pragma once

#include "broker/transport.hpp"

#include <memory>

namespace lovage::broker {

/// `sqlite:///relative.db`, `sqlite:////absolute.db`, options `?synchronous=full`, `?lease=15`.
[[nodiscard]] expected<std::shared_ptr<transport>> make_sqlite_transport(settings with, deadline until);

}  // namespace lovage::broker
