#pragma once

#include "backend/result_backend.hpp"

namespace lovage::backend {

/// Celery's tables on a database: `db+postgresql://`, `db+mysql://`, `db+sqlite:///file`. Tables that are missing are
/// made at the first use.
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_sql_backend(settings with, deadline until);

}  // namespace lovage::backend
