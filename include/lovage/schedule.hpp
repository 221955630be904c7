// When periodic tasks run: crontab, every, solar, clocked, and `schedule`, which is any of them.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lovage {

/// What a crontab's fields name, as sets of bits.
struct cron_sets {
  std::uint64_t minutes = (1ull << 60) - 1;  ///< bit m
  std::uint64_t weekdays = 0x7f;     ///< bit 7 n + weekday, Sunday 0: n = 0 every one, 1-5 the nth, 6 the month's last
  std::uint32_t hours = 0xff'ffff;   ///< bit h
  std::uint32_t days = 0x7fff'ffff;  ///< bit d - 1; bit 31: the month's last day
  std::uint16_t months = 0xfff;      ///< bit m - 1
  std::uint16_t zone = 0;            ///< number of a time zone in this process; 0: none is named
  std::uint32_t hashed = 0;          ///< 6 bits a field, in the text's order: 0 no H, 63 H, else the step of H/step
  friend bool operator==(cron_sets const&, cron_sets const&) = default;
};

/// Whole minutes on a wall clock. Celery's grammar in cron's order of fields (minute, hour, day of month, month,
/// weekday), and more: docs/guide/periodic-tasks.md has it, and what happens when clocks are put forward and back.
///
///     crontab{"*/15 8-18 * * mon-fri"}
///     crontab{"0 4 L * *"}.timezone("Europe/Berlin")
///     crontab{}.minute(0).hour("*/3").day_of_week("sat,sun")     // Celery's names of the fields
///     crontab{"H 2 * * *"}                                       // at a minute that the entry's name decides
///
/// *On failure*: constructors and setters throw `lovage::error` (`invalid_argument`) naming the field, the piece and
/// the fix; a date that never comes (31 February) is such a failure.
class crontab {
 public:
  /// One field: a number or text.
  class field {
   public:
    field(int number) : text_{std::to_string(number)} {}
    field(char const* text) : text_{text} {}
    field(std::string text) : text_{std::move(text)} {}
    [[nodiscard]] std::string const& text() const noexcept { return text_; }

   private:
    std::string text_;
  };

  /// Every minute.
  crontab() = default;
  /// Five fields, and the name of a time zone after them or none.
  crontab(std::string_view text) : crontab{parse(text).value()} {}
  crontab(char const* text) : crontab{std::string_view{text}} {}
  [[nodiscard]] static expected<crontab> parse(std::string_view text);
  /// The same of five texts.
  [[nodiscard]] static expected<crontab> parse(std::string_view minute, std::string_view hour,
                                               std::string_view day_of_month, std::string_view month_of_year,
                                               std::string_view day_of_week);

  crontab& minute(field const& f) { return set(0, f); }
  crontab& hour(field const& f) { return set(1, f); }
  crontab& day_of_month(field const& f) { return set(2, f); }
  crontab& month_of_year(field const& f) { return set(3, f); }
  crontab& day_of_week(field const& f) { return set(4, f); }
  /// A name of the tz database, such as "Europe/Berlin". Unset: the setting `timezone`, which is UTC unless set.
  crontab& timezone(std::string_view name);

  /// Five fields and the zone, if one is named. Reads back as an equal crontab.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] cron_sets const& sets() const noexcept { return sets_; }
  friend bool operator==(crontab const&, crontab const&) = default;

 private:
  friend class schedule;
  crontab& set(std::size_t number, field const& f);
  cron_sets sets_;
};

/// At equal distances: 30 seconds past `from`, 60 seconds past it, and so on; unset, counted from 1970-01-01T00:00Z on,
/// so that `every{1h}` is the full hour. Real time: clocks that are put forward do not matter.
///
/// *On failure*: throws `lovage::error` below a millisecond.
class every {
 public:
  every(std::chrono::microseconds period);
  every& from(time_point start) { return from_ = start, *this; }

  [[nodiscard]] std::chrono::microseconds period() const noexcept { return period_; }
  [[nodiscard]] std::optional<time_point> start() const noexcept {
    return from_ == unset ? std::nullopt : std::optional{from_};
  }
  friend bool operator==(every const&, every const&) = default;

 private:
  static constexpr time_point unset = time_point::min();
  std::chrono::microseconds period_;
  time_point from_ = unset;
};

/// What the sun does at a place: "dawn_astronomical", "dawn_nautical", "dawn_civil", "sunrise", "solar_noon", "sunset",
/// "dusk_civil", "dusk_nautical", "dusk_astronomical", as in Celery; to the second. North and east are positive
/// degrees. On days when it does not happen (polar day and night) nothing runs.
///
///     solar{"sunset", 52.52, 13.40}
///
/// *On failure*: throws `lovage::error` for an unknown event or a place that is not on Earth.
class solar {
 public:
  solar(std::string_view event, double latitude, double longitude);

  [[nodiscard]] std::string_view event() const noexcept;
  [[nodiscard]] std::uint8_t event_number() const noexcept { return event_; }
  [[nodiscard]] double latitude() const noexcept { return latitude_ / 1e6; }
  [[nodiscard]] double longitude() const noexcept { return longitude_ / 1e6; }
  friend bool operator==(solar const&, solar const&) = default;

 private:
  std::int32_t latitude_, longitude_;  // millionths of a degree
  std::uint8_t event_;
};

/// Once.
class clocked {
 public:
  clocked(time_point at) : at_{at} {}
  [[nodiscard]] time_point at() const noexcept { return at_; }
  friend bool operator==(clocked const&, clocked const&) = default;

 private:
  time_point at_;
};

/// Any of them; 40 octets. *Threads*: values.
class schedule {
 public:
  using any = std::variant<crontab, every, solar, clocked>;

  schedule(crontab of) : any_{of} {}
  schedule(every of) : any_{of} {}
  schedule(solar of) : any_{of} {}
  schedule(clocked of) : any_{of} {}

  /// Of text, as command line, configuration and stores have it:
  ///
  ///     */5 * * * *                          five fields
  ///     0 4 * * mon-fri Europe/Berlin        and a time zone
  ///     @hourly, @daily, @weekly, @monthly, @yearly, each with or without a time zone
  ///     every 1h30m, @every 90s, 90          90 is seconds
  ///     every 1h from 2026-11-30T08:00:00Z
  ///     solar sunset 52.5 13.4
  ///     at 2026-11-30T08:00:00+01:00
  ///
  /// *On failure*: `invalid_argument` with a sentence that names the piece and the fix; `where` is the text.
  [[nodiscard]] static expected<schedule> parse(std::string_view text);
  /// Reads back as an equal schedule.
  [[nodiscard]] std::string text() const;
  /// For people: "at 04:00 on Monday to Friday, Europe/Berlin".
  [[nodiscard]] std::string words() const;

  /// What the entry of this name runs by: H becomes numbers that the name decides, the same in every process, and a
  /// crontab that names no time zone takes this one. Without it H is as for an empty name, and the zone is UTC.
  /// *On failure*: `invalid_argument` when no such zone is known.
  [[nodiscard]] expected<schedule> settled(std::string_view name, std::string_view zone = "UTC") const;

  /// The first moment after this one, never this one itself; nothing when there is none (within 45 years).
  [[nodiscard]] std::optional<time_point> next(time_point after) const;
  /// The last moment before this one; nothing when there is none (within 45 years).
  [[nodiscard]] std::optional<time_point> previous(time_point before) const;
  /// The moments in (after, until], earliest first, at most `limit`.
  [[nodiscard]] std::vector<time_point> between(time_point after, time_point until, std::size_t limit) const;

  [[nodiscard]] any const& kind() const noexcept { return any_; }
  friend bool operator==(schedule const&, schedule const&) = default;

 private:
  any any_;
};

}  // namespace lovage
