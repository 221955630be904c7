// ISO 8601 texts, as Celery 5.6 reads them (python-dateutil's isoparse) plus what 5.2's own parser lets pass.
#include "wire/civil.hpp"
#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"

namespace lovage::wire {

namespace {

void append_padded(std::string& out, std::uint64_t n, std::size_t width) {
  char digits[20];
  std::size_t at = sizeof digits;
  do digits[--at] = static_cast<char>('0' + n % 10);
  while ((n /= 10) != 0);
  for (auto have = sizeof digits - at; have < width; ++have) out += '0';
  out.append(digits + at, sizeof digits - at);
}

void append_day(std::string& out, std::int64_t days) {
  auto const c = civil_from_days(days);
  if (c.year < 0) out += '-';
  append_padded(out, static_cast<std::uint64_t>(c.year < 0 ? -c.year : c.year), 4);
  out += '-';
  append_padded(out, c.month, 2);
  out += '-';
  append_padded(out, c.day, 2);
}

/// `us` from midnight, not negative.
void append_clock(std::string& out, std::uint64_t us) {
  auto const s = us / us_per_second;
  append_padded(out, s / 3600, 2);
  out += ':';
  append_padded(out, s / 60 % 60, 2);
  out += ':';
  append_padded(out, s % 60, 2);
  if (auto const fraction = us % us_per_second; fraction != 0) {
    out += '.';
    append_padded(out, fraction, 6);
  }
}

void append_offset(std::string& out, std::int64_t offset) {
  out += offset < 0 ? '-' : '+';
  auto const s = static_cast<std::uint64_t>(offset < 0 ? -offset : offset);
  append_padded(out, s / 3600, 2);
  out += ':';
  append_padded(out, s / 60 % 60, 2);
  if (s % 60 == 0) return;
  out += ':';
  append_padded(out, s % 60, 2);
}

/// Reads from the front; the first thing that does not fit is remembered with its place.
class iso_reader {
 public:
  explicit iso_reader(std::string_view text) : text_{text} {}

  bool at_end() const noexcept { return at_ >= text_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
  bool digit() const noexcept { return peek() >= '0' && peek() <= '9'; }
  void step() noexcept { ++at_; }
  bool take(char c) noexcept {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::size_t digits_ahead() const noexcept {
    std::size_t n = 0;
    while (at_ + n < text_.size() && text_[at_ + n] >= '0' && text_[at_ + n] <= '9') ++n;
    return n;
  }
  /// `least` to `most` digits.
  unsigned number(std::size_t least, std::size_t most, char const* what) {
    unsigned n = 0;
    std::size_t have = 0;
    for (; have < most && digit(); ++have) n = n * 10 + static_cast<unsigned>(text_[at_++] - '0');
    if (have < least) problem(what);
    return n;
  }
  void problem(char const* what) {
    if (!problem_) problem_ = what, problem_at_ = at_;
  }
  void demand(bool ok, char const* what) {
    if (!ok) problem(what);
  }
  bool ok() const noexcept { return problem_ == nullptr; }
  failure error() const {
    return fail(errc::decode, std::string{"not an ISO 8601 time: "} + problem_, "byte " + std::to_string(problem_at_));
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  char const* problem_ = nullptr;
  std::size_t problem_at_ = 0;
};

constexpr std::int64_t weekday_from_monday(std::int64_t days) noexcept { return ((days + 3) % 7 + 7) % 7; }

/// "W05", "W05-3", "W053" after the year.
std::int64_t read_week(iso_reader& in, int year, bool dashes) {
  unsigned const week = in.number(2, 2, "a week needs two digits");
  unsigned day = 1;
  if (dashes ? in.take('-') : in.digit()) day = in.number(1, 1, "a weekday needs one digit");
  in.demand(week >= 1 && week <= 53, "no such week");
  in.demand(day >= 1 && day <= 7, "no such weekday");
  auto const fourth = days_from_civil({year, 1, 4});  // always in week 1
  return fourth - weekday_from_monday(fourth) + (std::int64_t{week} - 1) * 7 + day - 1;
}

std::int64_t read_ordinal(iso_reader& in, int year) {
  unsigned const day = in.number(3, 3, "a day of the year needs three digits");
  in.demand(day >= 1 && day <= (is_leap(year) ? 366u : 365u), "no such day of the year");
  return days_from_civil({year, 1, 1}) + day - 1;
}

/// All of YYYY, YYYY-MM, YYYY-MM-DD, YYYYMMDD, YYYY-DDD, YYYYDDD, YYYY-Www-D; one-digit months and days between
/// dashes, as 5.2 lets them pass.
std::int64_t read_day(iso_reader& in) {
  int const year = static_cast<int>(in.number(4, 4, "a year needs four digits"));
  in.demand(year >= 1, "no year 0");
  civil c{year, 1, 1};
  bool const dashes = in.take('-');
  if (in.take('W')) return read_week(in, year, dashes);
  auto const digits = in.digits_ahead();
  if (digits == 3) return read_ordinal(in, year);
  if (dashes) {
    c.month = in.number(1, 2, "a month needs digits");
    if (in.take('-')) c.day = in.number(1, 2, "a day needs digits");
  } else if (digits != 0) {
    c.month = in.number(2, 2, "a month needs two digits");
    c.day = in.number(2, 2, "a day needs two digits");
  }
  in.demand(c.month >= 1 && c.month <= 12, "no such month");
  in.demand(c.day >= 1 && c.day <= days_in_month(c.year, c.month), "no such day");
  return in.ok() ? days_from_civil(c) : 0;  // month 0 would give nonsense
}

/// Digits after '.' or ',', cut to microseconds.
std::int64_t read_fraction(iso_reader& in) {
  if (!in.take('.') && !in.take(',')) return 0;
  in.demand(in.digit(), "a fraction needs digits");
  std::int64_t us = 0;
  int have = 0;
  for (; in.digit(); in.step())
    if (have < 6) us = us * 10 + (in.peek() - '0'), ++have;
  for (; have < 6; ++have) us *= 10;
  return us;
}

/// hh, hh:mm, hhmm, hh:mm:ss, hhmmss, with fraction. 24:00 is the end of the day.
std::int64_t read_clock(iso_reader& in) {
  unsigned const hour = in.number(2, 2, "an hour needs two digits");
  unsigned minute = 0, second = 0;
  std::int64_t fraction = 0;
  bool const colons = in.take(':');
  if (colons || in.digit()) {
    minute = in.number(2, 2, "a minute needs two digits");
    if (colons ? in.take(':') : in.digit()) {
      second = in.number(2, 2, "a second needs two digits");
      fraction = read_fraction(in);
    }
  }
  in.demand(hour < 24 || (hour == 24 && minute == 0 && second == 0 && fraction == 0), "no such hour");
  in.demand(minute < 60, "no such minute");
  in.demand(second < 60, "no such second");
  return ((std::int64_t{hour} * 60 + minute) * 60 + second) * us_per_second + fraction;
}

/// Z, +hh, +hhmm, +hh:mm, +hh:mm:ss; nothing for a naive time.
std::optional<std::int32_t> read_offset(iso_reader& in) {
  if (in.at_end()) return std::nullopt;
  if (in.take('Z') || in.take('z')) return 0;
  bool const negative = in.take('-');
  if (!negative && !in.take('+')) {
    in.problem("unexpected text after the time");
    return std::nullopt;
  }
  unsigned const hour = in.number(2, 2, "an offset's hour needs two digits");
  unsigned minute = 0, second = 0;
  if (bool const colons = in.take(':'); colons || in.digit()) {
    minute = in.number(2, 2, "an offset's minute needs two digits");
    if (colons ? in.take(':') : in.digit()) second = in.number(2, 2, "an offset's second needs two digits");
  }
  in.demand(hour < 24 && minute < 60 && second < 60, "an offset is below one day");
  auto const s = static_cast<std::int32_t>(hour * 3600 + minute * 60 + second);
  return negative ? -s : s;
}

constexpr std::int64_t last_us = (days_from_civil({9999, 12, 31}) + 1) * us_per_day - 1;

}  // namespace

std::string to_iso(datetime const& d) {
  auto const split = split_days(d.local_us);
  std::string out;
  append_day(out, split.days);
  out += 'T';
  append_clock(out, static_cast<std::uint64_t>(split.us));
  if (d.offset_s) append_offset(out, *d.offset_s);
  return out;
}

std::string to_iso(date d) {
  std::string out;
  append_day(out, d.days);
  return out;
}

std::string to_iso(time_of_day t) {
  std::string out;
  append_clock(out, static_cast<std::uint64_t>(t.us < 0 ? 0 : t.us));
  return out;
}

expected<datetime> parse_iso(std::string_view text) {
  iso_reader in{text};
  auto const days = read_day(in);
  datetime d{days * us_per_day, std::nullopt};
  if (in.ok() && !in.at_end()) {
    in.demand(!in.digit(), "unexpected digits after the date");
    in.step();  // any one character separates, as in 5.2 and 5.6
    d.local_us += read_clock(in);
    if (in.ok()) d.offset_s = read_offset(in);
  }
  in.demand(in.at_end(), "unexpected text after the time");
  in.demand(d.local_us >= days_from_civil({1, 1, 1}) * us_per_day && d.local_us <= last_us, "outside years 1 to 9999");
  if (!in.ok()) return in.error();
  return d;
}

expected<date> parse_iso_date(std::string_view text) {
  auto const d = parse_iso(text);
  if (!d) return fail(d.error());
  return date{static_cast<std::int32_t>(split_days(d->local_us).days)};
}

expected<time_of_day> parse_iso_time(std::string_view text) {
  iso_reader in{text};
  (void)in.take('T');
  time_of_day const t{read_clock(in)};
  if (in.ok() && !in.at_end()) in.problem("a time of day with an offset (or more text) has no form here");
  in.demand(t.us < us_per_day, "no such hour");
  if (!in.ok()) return in.error();
  return t;
}

}  // namespace lovage::wire
