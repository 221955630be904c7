// Celery's own tables, `celery_taskmeta` and `celery_tasksetmeta`, as its SQLAlchemy models make them.
#pragma once

#include "backend/result_backend.hpp"
#include "backend/sql_tables.hpp"

namespace lovage::backend {

/// `aside`: our table beside them, quoted. *On failure*: `bad_config` for names that cannot be, and for settings.
[[nodiscard]] expected<std::unique_ptr<sql_tables>> make_celery_tables(sql::dialect d, settings const& with,
                                                                       std::string aside);

}  // namespace lovage::backend
