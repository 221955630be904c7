#include "backend/django/django_backend.hpp"

#include "backend/django/django_tables.hpp"
#include "backend/sql_backend.hpp"
#include "sql/open.hpp"

#include <cstdlib>

namespace lovage::backend {
namespace {

constexpr std::string_view prefix = "django-db";

expected<std::string> address_of(settings const& with) {
  std::string_view given{with.connection.urls};
  given.remove_prefix(std::min(prefix.size(), given.size()));
  if (given.starts_with('+')) return std::string{given.substr(1)};
  if (!with.django_database.empty()) return with.django_database;
  if (auto const* from_environment = std::getenv("DATABASE_URL")) return std::string{from_environment};
  return fail(errc::bad_config,
              "'django-db' does not say where the database is; set django_database_url (or DATABASE_URL), or write "
              "django-db+postgresql://user:password@host/database",
              "result_backend");
}

}  // namespace

expected<std::shared_ptr<result_backend>> make_django_backend(settings with, deadline) {
  auto address = address_of(with);
  if (!address) return fail(address.error());
  auto const kind = sql::dialect_of(*address);
  if (!kind) return fail(kind.error());
  auto aside = aside_table(*kind, "");
  if (!aside) return fail(aside.error());
  auto tables = make_django_tables(*kind, with, *std::move(aside));
  if (!tables) return fail(tables.error());
  return make_backend_on({*std::move(address), {}}, with, *std::move(tables));
}

}  // namespace lovage::backend
