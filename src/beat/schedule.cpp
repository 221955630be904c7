#include <lovage/schedule.hpp>

#include "beat/cron_parse.hpp"
#include "beat/cron_text.hpp"
#include "beat/cron_walk.hpp"
#include "beat/schedule_text.hpp"
#include "beat/sun.hpp"
#include "beat/zone.hpp"

#include <algorithm>
#include <cmath>

namespace lovage {
namespace {

template <class... F>
struct kinds : F... {
  using F::operator()...;
};
template <class... F>
kinds(F...) -> kinds<F...>;

std::optional<time_point> next_of(every const& e, time_point after) {
  using std::chrono::microseconds;
  auto const start = e.start().value_or(time_point{});
  auto const period = e.period();
  if (after > time_point::max() - period) return std::nullopt;
  if (e.start() && after < start + period) return start + period;
  auto const past = (after - start) % period;
  return after - past + (past < microseconds::zero() ? microseconds::zero() : period);
}

}  // namespace

expected<crontab> crontab::parse(std::string_view text) {
  auto read = schedule::parse(text);
  if (!read) return fail(read.error());
  if (auto const* cron = std::get_if<crontab>(&read->kind())) return *cron;
  return fail(errc::invalid_argument, "a crontab has five fields: minute, hour, day of month, month, day of week",
              std::string{text});
}

expected<crontab> crontab::parse(std::string_view minute, std::string_view hour, std::string_view day_of_month,
                                 std::string_view month_of_year, std::string_view day_of_week) {
  auto sets = beats::read_crontab({minute, hour, day_of_month, month_of_year, day_of_week});
  if (!sets) return fail(sets.error());
  crontab out;
  out.sets_ = *sets;
  return out;
}

crontab& crontab::set(std::size_t number, field const& f) {
  auto changed = sets_;
  beats::read_cron_field(changed, number, f.text()).value();
  beats::demand_some_day(changed).value();
  sets_ = changed;
  return *this;
}

crontab& crontab::timezone(std::string_view name) {
  sets_.zone = beats::zone_number(name).value();
  return *this;
}

std::string crontab::text() const {
  std::string out;
  for (std::size_t f = 0; f < beats::cron_field_count; ++f)
    out += (f == 0 ? "" : " ") + beats::cron_field_text(sets_, f);
  return sets_.zone == beats::no_zone ? out : out + " " + beats::zone_name(sets_.zone);
}

every::every(std::chrono::microseconds period) : period_{period} { beats::check_period(period).value(); }

solar::solar(std::string_view event, double latitude, double longitude)
    : latitude_{static_cast<std::int32_t>(std::lround(latitude * 1e6))},
      longitude_{static_cast<std::int32_t>(std::lround(longitude * 1e6))},
      event_{beats::sun_event_number(event, latitude, longitude).value()} {}

std::string_view solar::event() const noexcept { return beats::sun_events[event_].name; }

expected<schedule> schedule::parse(std::string_view text) { return beats::read_schedule(text); }
std::string schedule::text() const { return beats::schedule_text(*this); }
std::string schedule::words() const { return beats::schedule_words(*this); }

expected<schedule> schedule::settled(std::string_view name, std::string_view zone) const {
  auto const* const cron = std::get_if<crontab>(&any_);
  if (!cron) return *this;
  crontab out = *cron;
  out.sets_ = beats::without_hash(out.sets_, name);
  if (auto comes = beats::demand_some_day(out.sets_); !comes) return fail(comes.error());
  if (out.sets_.zone == beats::no_zone) {
    auto const number = beats::zone_number(zone);
    if (!number) return fail(number.error());
    out.sets_.zone = *number;
  }
  return schedule{out};
}

std::optional<time_point> schedule::next(time_point after) const {
  return std::visit(
      kinds{[&](crontab const& c) { return beats::cron_walk{c.sets()}.next(after); },
            [&](every const& e) { return next_of(e, after); },
            [&](solar const& s) { return beats::next_sun_event(s.event_number(), s.latitude(), s.longitude(), after); },
            [&](clocked const& c) { return after < c.at() ? std::optional{c.at()} : std::nullopt; }},
      any_);
}

// `next` never goes back when its argument goes on, so the last moment before `before` is found by halving the time in
// which it must lie.
std::optional<time_point> schedule::previous(time_point before) const {
  using namespace std::chrono;
  if (before <= beats::first_moment) return std::nullopt;
  if (auto const* s = std::get_if<solar>(&any_))
    return beats::previous_sun_event(s->event_number(), s->latitude(), s->longitude(), before);
  for (auto span : {hours{1}, hours{25}, hours{24 * 32}, hours{24 * 400}, hours{24 * 366 * 9}, hours{24 * 366 * 45}}) {
    auto last = next(before - span);
    if (!last || *last >= before) continue;
    for (auto high = before;;) {
      auto const following = next(*last);
      if (!following || *following >= before) return last;
      auto const middle = *following + (high - *following) / 2;
      auto const later = next(middle);
      if (later && *later < before) {
        last = later;
      } else {
        last = following, high = middle;
      }
    }
  }
  return std::nullopt;
}

std::vector<time_point> schedule::between(time_point after, time_point until, std::size_t limit) const {
  std::vector<time_point> out;
  auto const take = [&](auto&& step) {
    for (auto at = step(after); at && *at <= until && out.size() < limit; at = step(*at)) out.push_back(*at);
  };
  if (auto const* cron = std::get_if<crontab>(&any_)) {
    beats::cron_walk walk{cron->sets()};
    take([&](time_point t) { return walk.next(t); });
  } else {
    take([&](time_point t) { return next(t); });
  }
  return out;
}

}  // namespace lovage
