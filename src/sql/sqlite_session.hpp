#pragma once

#include "sql/session.hpp"

namespace lovage::sql {

/// The file is made when it is not there; its journal mode stays what it is. A lock that another program holds is
/// waited for until the deadline, then `timeout`; the session stays alive. Columns declared as a date or time give
/// moments.
[[nodiscard]] expected<std::unique_ptr<session>> open_sqlite(std::string path, deadline until);

}  // namespace lovage::sql
