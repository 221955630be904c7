#include "broker/postgres/options.hpp"

#include "core/log.hpp"

#include <optional>

namespace lovage::broker::postgres_broker {
namespace {

std::optional<double> as_seconds(value const& v) {
  if (auto const* i = v.get_if<std::int64_t>()) return static_cast<double>(*i);
  if (auto const* d = v.get_if<double>()) return *d;
  return std::nullopt;
}

}  // namespace

expected<options> read_options(value::map const& from) {
  options out;
  for (auto const& [name, v] : from) {
    if (v.is_null()) continue;
    if (name != "lovage_lease") {
      log::warning("broker_transport_options." + name + " is not known for PostgreSQL and has no effect");
      continue;
    }
    auto const n = as_seconds(v);
    if (!n || !(*n > 0) || *n > 1e9)
      return fail(errc::bad_config,
                  "the transport option is a number of seconds above zero; correct it or leave it out",
                  "broker_transport_options." + name);
    out.lovage_lease = std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>{*n});
  }
  return out;
}

}  // namespace lovage::broker::postgres_broker
