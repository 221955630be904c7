// The tables and functions in the database, all in the schema `lovage`: docs/protocol/postgres-store.md.
#pragma once

#include "sql/postgres_session.hpp"

#include <string>

namespace lovage::broker::postgres_broker {

inline constexpr int schema_version = 1;

/// Makes the tables where there are none; whoever comes meanwhile waits. Error `bad_config` where they are of a newer
/// lovage, or may not be made.
[[nodiscard]] expected<void> prepare_schema(sql::postgres_session& on, deadline until);

/// All statements, as a database administrator runs them.
[[nodiscard]] std::string schema_script();

}  // namespace lovage::broker::postgres_broker
