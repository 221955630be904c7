// The one list that names drivers.
#include "app/drivers.hpp"

#include "backend/memory/memory_backend.hpp"
#include "backend/sqlite/sqlite_backend.hpp"
#include "broker/memory/memory_transport.hpp"
#include "broker/sqlite/sqlite_transport.hpp"
#include "config/url.hpp"

#include <array>

namespace lovage::drivers {
namespace {

template <class Driver>
struct row {
  std::string_view scheme;
  expected<std::shared_ptr<Driver>> (*make)(std::string const& url, now_fn now, deadline until);
};

constexpr std::array<row<broker::transport>, 2> transports{
    {{"sqlite", &broker::make_sqlite_transport}, {"memory", &broker::make_memory_transport}}};
constexpr std::array<row<backend::result_backend>, 2> backends{
    {{"sqlite", &backend::make_sqlite_backend}, {"memory", &backend::make_memory_backend}}};

template <class Driver, std::size_t N>
expected<std::shared_ptr<Driver>> make(std::array<row<Driver>, N> const& table, char const* setting,
                                       std::string const& url, now_fn now, deadline until) {
  auto const scheme = url.substr(0, url.find(':'));
  std::string known;
  for (auto const& r : table) {
    if (r.scheme == scheme) return r.make(url, std::move(now), until);
    known += (known.empty() ? "" : ", ") + std::string{r.scheme} + "://";
  }
  return fail(errc::bad_config, "no driver for '" + scheme + "://'; this version knows " + known, setting);
}

}  // namespace

expected<std::shared_ptr<broker::transport>> make_transport(std::string const& url, now_fn now, deadline until) {
  return make(transports, "broker_url", url, std::move(now), until);
}

expected<std::shared_ptr<backend::result_backend>> make_backend(std::string const& url, now_fn now, deadline until) {
  return make(backends, "result_backend", url, std::move(now), until);
}

}  // namespace lovage::drivers
