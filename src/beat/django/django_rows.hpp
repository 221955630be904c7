// Rows of django-celery-beat's tables, as entries.
#pragma once

#include "beat/entry.hpp"
#include "sql/session.hpp"

#include <string_view>
#include <vector>

namespace lovage::beats {

/// All periodic tasks with their schedules, in the columns that `django_entry` reads.
inline constexpr std::string_view django_select =
    "SELECT t.name, t.task, t.args, t.kwargs, t.headers, t.queue, t.exchange, t.routing_key, t.priority, t.expires, "
    "t.expire_seconds, t.one_off, t.start_time, t.enabled, t.last_run_at, t.total_run_count, t.date_changed, "
    "i.every, i.period, c.minute, c.hour, c.day_of_month, c.month_of_year, c.day_of_week, c.timezone, "
    "s.event, s.latitude, s.longitude, k.clocked_time "
    "FROM django_celery_beat_periodictask t "
    "LEFT JOIN django_celery_beat_intervalschedule i ON i.id = t.interval_id "
    "LEFT JOIN django_celery_beat_crontabschedule c ON c.id = t.crontab_id "
    "LEFT JOIN django_celery_beat_solarschedule s ON s.id = t.solar_id "
    "LEFT JOIN django_celery_beat_clockedschedule k ON k.id = t.clocked_id";

struct django_row {
  entry is;
  time_point changed;  ///< when it was saved
};

/// Errors: `decode`, which names the entry and what is wrong with it.
[[nodiscard]] expected<django_row> django_entry(sql::row const& r);
/// Its name alone.
[[nodiscard]] std::string django_name(sql::row const& r);

/// What a schedule counts from in Django's eyes: intervals from the last run. `anchor` stands for it; with `start_time`
/// the first run of an interval is then.
void anchor_interval(entry& e, time_point anchor);

}  // namespace lovage::beats
