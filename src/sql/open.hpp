// Addresses of databases, as SQLAlchemy and Django write them.
#pragma once

#include "sql/session.hpp"

#include <string>
#include <string_view>

namespace lovage::sql {

/// Which database an address means: `postgresql://`, `postgres://`, `mysql://`, `mariadb://`, `sqlite:///file`, each
/// also with `db+` before it and with the name of a Python driver behind it (`postgresql+psycopg2://`), which does not
/// matter here. *On failure*: `bad_config`.
[[nodiscard]] expected<dialect> dialect_of(std::string_view url);

/// One connection. *On failure*: `bad_config` for an address that cannot be right and for a server that refuses us,
/// `unavailable`, `timeout`.
[[nodiscard]] expected<std::unique_ptr<session>> open(std::string_view url, deadline until);

}  // namespace lovage::sql
