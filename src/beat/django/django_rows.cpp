#include "beat/django/django_rows.hpp"

#include "beat/entry_fields.hpp"
#include "beat/schedule_text.hpp"
#include "beat/sql_tables.hpp"
#include "wire/result_record.hpp"
#include "wire/serializer.hpp"

#include <array>
#include <utility>

namespace lovage::beats {
namespace {

// In the order of `django_select`.
enum column : std::size_t {
  name_at,
  task_at,
  args_at,
  kwargs_at,
  headers_at,
  queue_at,
  exchange_at,
  routing_key_at,
  priority_at,
  expires_at,
  expire_seconds_at,
  one_off_at,
  start_time_at,
  enabled_at,
  last_run_at_at,
  total_run_count_at,
  date_changed_at,
  every_at,
  period_at,
  minute_at,
  hour_at,
  day_of_month_at,
  month_of_year_at,
  day_of_week_at,
  timezone_at,
  event_at,
  latitude_at,
  longitude_at,
  clocked_time_at,
  column_count
};

constexpr std::array<std::pair<std::string_view, double>, 5> django_periods = {
    {{"days", 86400}, {"hours", 3600}, {"minutes", 60}, {"seconds", 1}, {"microseconds", 1e-6}}};

failure unreadable_row(sql::row const& r, std::string const& why) {
  return fail(errc::decode, "the periodic task '" + django_name(r) + "' of Django: " + why);
}

expected<schedule> django_interval(sql::row const& r) {
  for (auto const& [name, seconds] : django_periods) {
    if (name != cell_text(r[period_at])) continue;
    auto out = every_of(static_cast<double>(cell_number(r[every_at])) * seconds);
    if (!out) return fail(out.error());
    return schedule{*out};
  }
  return fail(errc::decode, "its interval is in \"" + cell_text(r[period_at]) + "\"");
}

expected<schedule> django_schedule(sql::row const& r) {
  if (!cell_is_null(r[every_at])) return django_interval(r);
  if (!cell_is_null(r[event_at]))
    return schedule::parse("solar " + cell_text(r[event_at]) + " " + cell_text(r[latitude_at]) + " " +
                           cell_text(r[longitude_at]));
  if (auto const at = cell_moment(r[clocked_time_at])) return schedule{clocked{*at}};
  if (cell_is_null(r[minute_at])) return fail(errc::decode, "it has no schedule");
  auto const cron = crontab::parse(cell_text(r[minute_at]), cell_text(r[hour_at]), cell_text(r[day_of_month_at]),
                                   cell_text(r[month_of_year_at]), cell_text(r[day_of_week_at]));
  if (!cron) return fail(cron.error());
  auto const zone = cell_text(r[timezone_at]);
  return zone.empty() ? expected<schedule>{*cron} : schedule::parse(cron->text() + " " + zone);
}

/// A column of JSON text; `T` of nothing for null and the empty text.
template <class T>
expected<T> json_in(sql::cell const& c, char const* what) {
  auto const text = cell_text(c);
  if (text.empty()) return T{};
  auto read = wire::from_json(text);
  if (!read) return fail(errc::decode, std::string{"its "} + what + ": " + read.error().text());
  if (read->is_null()) return T{};
  if (auto* const found = read->template get_if<T>()) return std::move(*found);
  return fail(errc::decode, std::string{"its "} + what + " are a " + read->kind());
}

value::map django_options(sql::row const& r, value::map headers) {
  value::map out;
  for (auto const& [key, at] :
       {std::pair{"queue", queue_at}, {"exchange", exchange_at}, {"routing_key", routing_key_at}})
    if (auto text = cell_text(r[at]); !text.empty()) out.push_back({key, value{std::move(text)}});
  if (!cell_is_null(r[priority_at])) out.push_back({"priority", value{cell_number(r[priority_at])}});
  if (auto const at = cell_moment(r[expires_at])) {
    out.push_back({"expires", value{wire::to_iso(*at)}});
  } else if (!cell_is_null(r[expire_seconds_at])) {
    out.push_back({"expires", value{cell_number(r[expire_seconds_at])}});
  }
  if (!headers.empty()) out.push_back({"headers", value{std::move(headers)}});
  return out;
}

expected<std::string> django_call(sql::row const& r) {
  auto args = json_in<value::list>(r[args_at], "arguments");
  if (!args) return fail(args.error());
  auto kwargs = json_in<value::map>(r[kwargs_at], "keyword arguments");
  if (!kwargs) return fail(kwargs.error());
  auto headers = json_in<value::map>(r[headers_at], "headers");
  if (!headers) return fail(headers.error());
  return call_text(cell_text(r[task_at]), *std::move(args), *std::move(kwargs), django_options(r, *std::move(headers)));
}

}  // namespace

std::string django_name(sql::row const& r) { return cell_text(r[name_at]); }

expected<django_row> django_entry(sql::row const& r) {
  if (r.size() != column_count) return fail(errc::internal, "a row of django-celery-beat has other columns");
  auto when = django_schedule(r);
  if (!when) return unreadable_row(r, when.error().text());
  auto call = django_call(r);
  if (!call) return unreadable_row(r, call.error().text());
  django_row out{{django_name(r), *std::move(when), *std::move(call), {}, origin::django, true, {}, {}, {}, 0}, {}};
  auto& e = out.is;
  e.enabled = cell_number(r[enabled_at]) != 0;
  e.with.one_off(cell_number(r[one_off_at]) != 0);
  if (auto const start = cell_moment(r[start_time_at])) e.with.start(*start);
  if (auto const end = cell_moment(r[expires_at])) e.with.end(*end);
  e.last_run_at = cell_moment(r[last_run_at_at]);
  e.total_run_count = cell_number(r[total_run_count_at]);
  out.changed = cell_moment(r[date_changed_at]).value_or(time_point{});
  return out;
}

void anchor_interval(entry& e, time_point anchor) {
  auto const* const interval = std::get_if<every>(&e.when.kind());
  if (!interval) return;
  auto from = *interval;
  e.when = schedule{from.from(e.with.start_ ? *e.with.start_ - interval->period() : anchor)};
}

}  // namespace lovage::beats
