#pragma once

#include "backend/result_backend.hpp"

namespace lovage::backend {

/// django-celery-results' tables in the database of a Django project: `django-db`, where `django_database_url` (or the
/// environment's DATABASE_URL) says which, or `django-db+postgresql://...`. The tables are made by Django.
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_django_backend(settings with, deadline until);

}  // namespace lovage::backend
