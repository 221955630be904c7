// The one list that names the drivers of schedule stores.
#include "beat/memory/memory_store.hpp"
#include "beat/redis/redis_store.hpp"
#include "beat/schedule_store.hpp"
#include "beat/sqlite/sqlite_store.hpp"

#include <array>

namespace lovage::beats {
namespace {

struct schedule_row {
  std::string_view scheme;
  expected<std::shared_ptr<schedule_store>> (*make)(store_settings with, deadline until);
};

constexpr std::array<schedule_row, 7> schedule_stores{{{"sqlite", &make_sqlite_store},
                                                       {"memory", &make_memory_store},
                                                       {"redis", &make_redis_store},
                                                       {"rediss", &make_redis_store},
                                                       {"redis+socket", &make_redis_store},
                                                       {"socket", &make_redis_store},
                                                       {"sentinel", &make_redis_store}}};

schedule_row const* row_of(std::string_view url) {
  auto const scheme = url.substr(0, url.find(':'));
  for (auto const& r : schedule_stores)
    if (r.scheme == scheme) return &r;
  return nullptr;
}

}  // namespace

expected<std::shared_ptr<schedule_store>> make_schedule_store(store_settings with, deadline until) {
  auto const url = with.connection.urls;
  if (auto const* r = row_of(url)) return r->make(std::move(with), until);
  std::string known;
  for (auto const& r : schedule_stores) known += (known.empty() ? "" : ", ") + std::string{r.scheme} + "://";
  return fail(errc::bad_config,
              "no schedules are kept in '" + url.substr(0, url.find(':')) + "://'; this version knows " + known,
              "beat_store_url");
}

bool keeps_schedules(std::string_view url) noexcept { return row_of(url) != nullptr; }

}  // namespace lovage::beats
