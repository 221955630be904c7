// The tables of django-celery-results: TaskResult, GroupResult, ChordCounter.
#pragma once

#include "backend/result_backend.hpp"
#include "backend/sql_tables.hpp"

namespace lovage::backend {

/// `aside`: our table beside them, quoted. *On failure*: `bad_config`.
[[nodiscard]] expected<std::unique_ptr<sql_tables>> make_django_tables(sql::dialect d, settings const& with,
                                                                       std::string aside);

}  // namespace lovage::backend
