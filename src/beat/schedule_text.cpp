#include "beat/schedule_text.hpp"

#include "beat/cron_parse.hpp"
#include "beat/cron_text.hpp"
#include "beat/sun.hpp"
#include "beat/zone.hpp"
#include "config/parse_value.hpp"
#include "core/ascii.hpp"
#include "wire/result_record.hpp"

#include <lovage/iso_time.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace lovage::beats {
namespace {

using schedule_words_list = std::span<std::string_view const>;

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> cron_macros = {{{"@hourly", "0 * * * *"},
                                                                                       {"@daily", "0 0 * * *"},
                                                                                       {"@midnight", "0 0 * * *"},
                                                                                       {"@weekly", "0 0 * * 0"},
                                                                                       {"@monthly", "0 0 1 * *"},
                                                                                       {"@yearly", "0 0 1 1 *"},
                                                                                       {"@annually", "0 0 1 1 *"}}};
constexpr std::string_view schedule_forms =
    "write five crontab fields and a time zone or none, \"every 1h30m\", \"@daily\", \"solar sunset 52.5 13.4\" or "
    "\"at 2026-11-30T08:00:00Z\"";

std::vector<std::string_view> split_at_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string_view> out;
  for (std::size_t at = 0; (at = text.find_first_not_of(blanks, at)) != text.npos;) {
    auto const end = std::min(text.find_first_of(blanks, at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

std::string joined(schedule_words_list words) {
  std::string out;
  for (auto const word : words) out += (out.empty() ? "" : " ") + std::string{word};
  return out;
}

failure no_schedule(std::string detail) { return fail(errc::invalid_argument, std::move(detail)); }

std::optional<double> decimal_number(std::string_view text) {
  double out = 0;
  auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  return bad == std::errc{} && end == text.data() + text.size() && std::isfinite(out) ? std::optional{out}
                                                                                      : std::nullopt;
}

expected<time_point> read_moment(schedule_words_list words) {
  auto const text = joined(words);
  auto const read = iso_to_datetime(text);
  if (!read)
    return no_schedule("\"" + text + "\" is no moment: write date, time and offset, such as 2026-11-30T08:00:00+01:00");
  if (!read->offset_s)
    return no_schedule("\"" + text +
                       "\" does not say which clock it means: write Z or an offset such as +01:00 after it");
  auto const at = read->to_time_point();
  if (at < first_moment || at > last_moment) return no_schedule("\"" + text + "\" is outside years 1 to 9999");
  return at;
}

expected<schedule> read_every(schedule_words_list words) {
  auto const from = std::find(words.begin(), words.end(), "from");
  std::string span;
  for (auto word = words.begin(); word != from; ++word) span += *word;
  auto const seconds = settings::parse_seconds(span);
  if (!seconds) return no_schedule("\"" + span + "\" is no period: write a number and s, m, h, d or w, such as 1h30m");
  auto out = every_of(*seconds);
  if (!out) return fail(out.error());
  if (from == words.end()) return schedule{*out};
  auto const start = read_moment(words.subspan(static_cast<std::size_t>(from - words.begin()) + 1));
  if (!start) return fail(start.error());
  return schedule{out->from(*start)};
}

expected<schedule> read_solar(schedule_words_list words) {
  if (words.size() != 3) return no_schedule("an event of the sun is written as solar sunset 52.5 13.4 (north, east)");
  auto const latitude = decimal_number(words[1]), longitude = decimal_number(words[2]);
  if (!latitude || !longitude)
    return no_schedule("\"" + std::string{latitude ? words[2] : words[1]} + "\" is no number of degrees");
  if (auto event = sun_event_number(words[0], *latitude, *longitude); !event) return fail(event.error());
  return schedule{solar{words[0], *latitude, *longitude}};
}

/// Five fields, and a zone.
expected<schedule> read_fields(schedule_words_list words) {
  if (words.size() > 6 || (words.size() == 6 && !is_letter(words[5].front())))
    return no_schedule(
        std::to_string(words.size()) +
        " fields: five are minute, hour, day of month, month and day of week, without seconds and years");
  if (words.size() < 5) return no_schedule("this is no schedule: " + std::string{schedule_forms});
  auto out = crontab::parse(words[0], words[1], words[2], words[3], words[4]);
  if (!out) return fail(out.error());
  if (words.size() == 5) return schedule{*out};
  if (auto zone = zone_number(words[5]); !zone) return fail(zone.error());
  return schedule{out->timezone(words[5])};
}

expected<schedule> read_macro(schedule_words_list words) {
  auto const macro =
      std::find_if(cron_macros.begin(), cron_macros.end(), [&](auto const& m) { return m.first == words[0]; });
  if (macro == cron_macros.end())
    return no_schedule("\"" + std::string{words[0]} +
                       "\" is none of @hourly, @daily, @weekly, @monthly, @yearly, @every");
  auto fields = split_at_blanks(macro->second);
  fields.insert(fields.end(), words.begin() + 1, words.end());
  return read_fields(fields);
}

expected<schedule> read_words(schedule_words_list words) {
  if (words.empty()) return no_schedule("the schedule is empty: " + std::string{schedule_forms});
  auto const first = words[0];
  if (first == "every" || first == "@every") return read_every(words.subspan(1));
  if (first == "solar") return read_solar(words.subspan(1));
  if (first.starts_with('@')) return read_macro(words);
  if (first.starts_with("TZ=") || first.starts_with("CRON_TZ="))
    return no_schedule("the time zone stands last: " + joined(words.subspan(1)) + " " +
                       std::string{first.substr(first.find('=') + 1)});
  if (first == "at") {
    auto const at = read_moment(words.subspan(1));
    if (!at) return fail(at.error());
    return schedule{clocked{*at}};
  }
  if (words.size() == 1)
    if (auto const seconds = decimal_number(first)) {
      auto out = every_of(*seconds);
      if (!out) return fail(out.error());
      return schedule{*out};
    }
  return read_fields(words);
}

/// "1d2h", "1m0.5s".
std::string period_text(std::chrono::microseconds period) {
  std::string out;
  auto rest = period.count();
  for (auto const& [unit, us] : {std::pair{"d", 86'400'000'000}, {"h", 3'600'000'000}, {"m", 60'000'000}}) {
    if (rest / us != 0) out += std::to_string(rest / us) + unit;
    rest %= us;
  }
  if (rest == 0) return out;
  out += std::to_string(rest / 1'000'000);
  if (auto const fraction = rest % 1'000'000; fraction != 0) {
    auto digits = std::to_string(1'000'000 + fraction).substr(1);
    out += "." + digits.substr(0, digits.find_last_not_of('0') + 1);
  }
  return out + "s";
}

std::string moment_text(time_point at) { return wire::to_iso(datetime::from(at)); }

std::string degrees_text(double degrees) {
  char buffer[32];
  auto const [end, bad] = std::to_chars(buffer, buffer + sizeof buffer, degrees, std::chars_format::fixed);
  return bad == std::errc{} ? std::string{buffer, end} : "0";
}

std::string text_of(every const& e) {
  auto const out = "every " + period_text(e.period());
  return e.start() ? out + " from " + moment_text(*e.start()) : out;
}

}  // namespace

expected<void> check_period(std::chrono::duration<double> period) {
  using namespace std::chrono_literals;
  if (period >= 1ms && period <= 24h * 36525) return {};
  return no_schedule("a period is a millisecond at least and a century at most");
}

expected<every> every_of(double seconds) {
  if (auto fits = check_period(std::chrono::duration<double>{seconds}); !fits) return fail(fits.error());
  return every{std::chrono::microseconds{std::llround(seconds * 1e6)}};
}

expected<schedule> read_schedule(std::string_view text) {
  auto out = read_words(split_at_blanks(text));
  if (!out) return fail(errc::invalid_argument, out.error().detail, std::string{text});
  return out;
}

std::string schedule_text(schedule const& s) {
  if (auto const* c = std::get_if<crontab>(&s.kind())) return c->text();
  if (auto const* e = std::get_if<every>(&s.kind())) return text_of(*e);
  if (auto const* c = std::get_if<clocked>(&s.kind())) return "at " + moment_text(c->at());
  auto const& sun = std::get<solar>(s.kind());
  return "solar " + std::string{sun.event()} + " " + degrees_text(sun.latitude()) + " " + degrees_text(sun.longitude());
}

std::string schedule_words(schedule const& s) {
  if (auto const* c = std::get_if<crontab>(&s.kind())) return cron_words(c->sets());
  if (auto const* e = std::get_if<every>(&s.kind())) return text_of(*e);
  if (auto const* c = std::get_if<clocked>(&s.kind())) return "once, at " + moment_text(c->at());
  auto const& sun = std::get<solar>(s.kind());
  std::string event{sun.event()};
  std::replace(event.begin(), event.end(), '_', ' ');
  return "at " + event + " at latitude " + degrees_text(sun.latitude()) + ", longitude " +
         degrees_text(sun.longitude());
}

}  // namespace lovage::beats
