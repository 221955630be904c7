#pragma once

#include "config/url.hpp"
#include "sql/session.hpp"

namespace lovage::sql {

/// MariaDB and MySQL. `to`: user, password, host, port, database as path; of its query `unix_socket`, `charset` (utf8
/// is what is spoken anyway), `ssl_ca`, `ssl_cert`, `ssl_key` (with `ssl_ca` the server's certificate is verified).
/// Moments in `DATETIME` columns are UTC; a column without digits for fractions cuts them off. An `UPDATE` counts the
/// rows it found. What is too long for a column is an error, not cut.
[[nodiscard]] expected<std::unique_ptr<session>> open_mysql(url const& to, deadline until);

}  // namespace lovage::sql
