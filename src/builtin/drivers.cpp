// The one list that names drivers.
#include "app/drivers.hpp"

#include "backend/django/django_backend.hpp"
#include "backend/memory/memory_backend.hpp"
#include "backend/redis/redis_backend.hpp"
#include "backend/rpc/rpc_backend.hpp"
#include "backend/sql/sql_result_backend.hpp"
#include "backend/sqlite/sqlite_backend.hpp"
#include "broker/amqp/amqp_transport.hpp"
#include "broker/memory/memory_transport.hpp"
#include "broker/postgres/postgres_transport.hpp"
#include "broker/redis/redis_transport.hpp"
#include "broker/sqlite/sqlite_transport.hpp"

#include <array>

namespace lovage::drivers {
namespace {

template <class Driver, class Settings>
struct row {
  std::string_view scheme;
  expected<std::shared_ptr<Driver>> (*make)(Settings with, deadline until);
};

constexpr std::array<row<broker::transport, broker::settings>, 15> transports{
    {{"sqlite", &broker::make_sqlite_transport},
     {"memory", &broker::make_memory_transport},
     {"postgresql", &broker::make_postgres_transport},
     {"postgres", &broker::make_postgres_transport},
     {"pgsql", &broker::make_postgres_transport},
     {"amqp", &broker::make_amqp_transport},
     {"amqps", &broker::make_amqp_transport},
     {"pyamqp", &broker::make_amqp_transport},
     {"pyamqps", &broker::make_amqp_transport},
     {"librabbitmq", &broker::make_amqp_transport},
     {"redis", &broker::make_redis_transport},
     {"rediss", &broker::make_redis_transport},
     {"redis+socket", &broker::make_redis_transport},
     {"socket", &broker::make_redis_transport},
     {"sentinel", &broker::make_redis_transport}}};
constexpr std::array<row<backend::result_backend, backend::settings>, 11> backends{
    {{"sqlite", &backend::make_sqlite_backend},
     {"memory", &backend::make_memory_backend},
     {"redis", &backend::make_redis_backend},
     {"rediss", &backend::make_redis_backend},
     {"redis+socket", &backend::make_redis_backend},
     {"socket", &backend::make_redis_backend},
     {"sentinel", &backend::make_redis_backend},
     {"rpc", &backend::make_rpc_backend},
     {"db", &backend::make_sql_backend},
     {"database", &backend::make_sql_backend},
     {"django-db", &backend::make_django_backend}}};

// "db" of "db+postgresql", where the database is behind the plus.
bool is_before_plus(std::string_view row, std::string_view scheme) {
  return (row == "db" || row == "django-db") && scheme.starts_with(row) && scheme.substr(row.size()).starts_with('+');
}

template <class Driver, class Settings, std::size_t N>
expected<std::shared_ptr<Driver>> make(std::array<row<Driver, Settings>, N> const& table, char const* setting,
                                       Settings&& with, deadline until) {
  auto const& urls = with.connection.urls;
  auto const scheme = urls.substr(0, urls.find(':'));
  std::string known;
  for (auto const& r : table) {
    if (r.scheme == scheme || is_before_plus(r.scheme, scheme)) return r.make(std::move(with), until);
    known += (known.empty() ? "" : ", ") + std::string{r.scheme} + "://";
  }
  return fail(errc::bad_config, "no driver for '" + scheme + "://'; this version knows " + known, setting);
}

}  // namespace

expected<std::shared_ptr<broker::transport>> make_transport(broker::settings with, deadline until) {
  return make(transports, "broker_url", std::move(with), until);
}

expected<std::shared_ptr<backend::result_backend>> make_backend(backend::settings with, deadline until) {
  return make(backends, "result_backend", std::move(with), until);
}

}  // namespace lovage::drivers
