#pragma once

#include "broker/transport.hpp"

#include <memory>

namespace lovage::broker {

/// `postgresql://user:password@host:port/database?option=value`, with libpq's options; also `postgres://`, `pgsql://`.
[[nodiscard]] expected<std::shared_ptr<transport>> make_postgres_transport(settings with, deadline until);

/// What makes the tables and functions, for whoever may (`lovage queues schema`).
[[nodiscard]] std::string postgres_schema_script();

}  // namespace lovage::broker
