#include "beat/store_choice.hpp"

#include "app/driver_settings.hpp"
#include "config/url.hpp"

#include <array>
#include <cstdlib>

namespace lovage::beats {
namespace {

constexpr std::array<std::string_view, 3> django_names{"django", "django_celery_beat.schedulers:DatabaseScheduler",
                                                       "django_celery_beat.schedulers.DatabaseScheduler"};
constexpr std::array<std::string_view, 4> own_names{"", "lovage", "celery.beat:PersistentScheduler",
                                                    "celery.beat.PersistentScheduler"};

template <std::size_t N>
bool is_one_of(std::array<std::string_view, N> const& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

store_choice made_of(connection_settings to, detail::app_state const& app, std::string why) {
  store_choice out{{std::move(to), app.now}, {}, std::move(why)};
  out.shown = mask_url(out.with.connection.urls);
  return out;
}

// Options and encryption are those of the broker or the backend where it is the same server.
store_choice at_url(std::string const& url, detail::app_state const& app, std::string why) {
  auto broker = detail::broker_settings(app.settings, app.now).connection;
  if (broker.urls == url) return made_of(std::move(broker), app, std::move(why));
  auto results = detail::backend_settings(app.settings, app.now).connection;
  if (results.urls == url) return made_of(std::move(results), app, std::move(why));
  connection_settings plain;
  plain.urls = url;
  plain.connect_timeout = app.settings.broker_connection_timeout();
  return made_of(std::move(plain), app, std::move(why));
}

expected<store_choice> django_tables(detail::app_state const& app) {
  auto url = app.settings.django_database_url();
  if (auto const* given = std::getenv("DATABASE_URL"); url.empty() && given != nullptr) url = given;
  if (url.empty())
    return fail(errc::bad_config,
                "Django's scheduler needs its database: set django_database_url, or DATABASE_URL in the environment",
                "beat_scheduler");
  return at_url("django+" + url, app, "beat_scheduler");
}

}  // namespace

expected<store_choice> choose_store(detail::app_state const& app, std::string const& url) {
  auto const& c = app.settings;
  if (!url.empty()) return at_url(url, app, "given");
  if (is_one_of(django_names, c.beat_scheduler())) return django_tables(app);
  if (!is_one_of(own_names, c.beat_scheduler()))
    return fail(errc::bad_config,
                "'" + c.beat_scheduler() + "' is no scheduler of lovage; leave it unset, or take 'django'",
                "beat_scheduler");
  if (!c.beat_store_url().empty()) return at_url(c.beat_store_url(), app, "beat_store_url");
  if (keeps_schedules(c.result_backend())) return at_url(c.result_backend(), app, "result_backend");
  if (keeps_schedules(c.broker_url())) return at_url(c.broker_url(), app, "broker_url");
  return at_url(sqlite_url(c.beat_schedule_filename()), app, "beat_schedule_filename");
}

}  // namespace lovage::beats
