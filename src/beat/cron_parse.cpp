// Celery's grammar (celery.schedules.crontab_parser) with what cron users know besides:
//
//   field := part (',' part)* | 'H' ['(' n '-' n ')'] ['/' step]
//   part  := ('*' | n ['-' n]) ['/' step]          a step needs * or a range
//          | 'L'                                   day of month: the last
//          | n ('L' | '#' k)                       day of week: the last, the k-th of the month
//   n     := digits | the first three letters of a month or weekday, and more
//
// Ranges may wrap (22-3), and a step takes every n-th of the wrapped list.
#include "beat/cron_parse.hpp"

#include "beat/cron_walk.hpp"
#include "core/ascii.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace lovage::beats {
namespace {

constexpr std::string_view cron_weekdays = "sunmontuewedthufrisat";
constexpr std::string_view cron_months = "janfebmaraprmayjunjulaugsepoctnovdec";

std::string_view without_blanks(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The place of a word's first three letters among names of three letters.
std::optional<unsigned> name_place(std::string_view names, std::string_view word) {
  if (word.size() < 3 || !std::all_of(word.begin(), word.end(), is_letter)) return std::nullopt;
  std::string const three{lower(word[0]), lower(word[1]), lower(word[2])};
  for (std::size_t at = 0; at < names.size(); at += 3)
    if (names.substr(at, 3) == three) return static_cast<unsigned>(at / 3);
  return std::nullopt;
}

class cron_field_parser {
 public:
  cron_field_parser(std::size_t field, std::string_view text) : field_{field}, spec_{cron_fields[field]}, text_{text} {}

  expected<void> read(cron_sets& into) {
    auto text = without_blanks(text_);
    if (text.empty()) return wrong("", "is empty; * means every one");
    if (lower(text.front()) == 'h' && text.find(',') == text.npos) return hashed(into, text);
    for (bool more = true; more;) {
      auto const comma = text.find(',');
      more = comma != text.npos;
      if (auto read = part(without_blanks(text.substr(0, comma))); !read) return read;
      if (more) text.remove_prefix(comma + 1);
    }
    set_bits(into, field_, bits_);
    set_hashed_step(into, field_, 0);
    return {};
  }

 private:
  failure wrong(std::string_view piece, std::string const& what) const {
    auto const quoted = piece.empty() ? std::string{} : "\"" + std::string{piece} + "\" ";
    return fail(errc::invalid_argument, std::string{spec_.name} + ": " + quoted + what, std::string{text_});
  }
  std::string range_text() const {
    return std::to_string(spec_.low) + " to " + std::to_string(spec_.high) + (field_ == weekdays_field ? " or 7" : "");
  }

  expected<unsigned> number(std::string_view word) const {
    if (word.empty()) return wrong("", "a number is missing in " + std::string{text_});
    if (std::all_of(word.begin(), word.end(), is_digit)) {
      unsigned n = 0;
      for (char const c : word) n = std::min(n * 10 + static_cast<unsigned>(c - '0'), 1000u);
      auto const top = field_ == weekdays_field ? 7 : spec_.high;
      if (n < spec_.low || n > top) return wrong(word, "is outside " + range_text());
      return n;
    }
    if (field_ == weekdays_field)
      if (auto const day = name_place(cron_weekdays, word)) return *day;
    if (field_ == months_field)
      if (auto const month = name_place(cron_months, word)) return *month + 1;
    return wrong(word, unreadable(word));
  }
  std::string unreadable(std::string_view word) const {
    if (word.front() == '-') return "is negative; numbers go from " + range_text();
    if (word == "?") return "is Quartz's; write *";
    if (lower(word.front()) == 'h') return "H stands alone in its field, as H, H(0-9) or H/5";
    if (name_place(cron_weekdays, word)) return "names a day of the week; its field is the fifth";
    if (name_place(cron_months, word)) return "names a month; its field is the fourth";
    return "is no number from " + range_text() + (field_ >= months_field ? " and no name of one" : "");
  }

  expected<unsigned> step(std::string_view word) const {
    if (word.empty() || !std::all_of(word.begin(), word.end(), is_digit))
      return wrong(word, "a step is a number, as in */5");
    unsigned n = 0;
    for (char const c : word) n = std::min(n * 10 + static_cast<unsigned>(c - '0'), 1000u);
    if (n == 0) return wrong(word, "a step is 1 at least");
    return n;
  }

  expected<void> part(std::string_view text) {
    if (text.empty()) return wrong("", "nothing stands between two commas of " + std::string{text_});
    auto const slash = text.find('/');
    auto const span = without_blanks(text.substr(0, slash));
    unsigned by = 1;
    if (slash != text.npos) {
      if (span != "*" && span.find('-', 1) == span.npos)
        return wrong(text, "a step needs * or a range: write " + std::string{span} + "-" + std::to_string(spec_.high) +
                               std::string{text.substr(slash)});
      auto read = step(without_blanks(text.substr(slash + 1)));
      if (!read) return fail(read.error());
      by = *read;
    }
    if (span == "*") return add(spec_.low, spec_.high, by), expected<void>{};
    if (field_ == days_field && (span == "L" || span == "l")) return bits_ |= 1ull << 31, expected<void>{};
    if (field_ == weekdays_field && span.size() > 1 &&
        (span.find('#') != span.npos || lower(span.back()) == 'l'))  // no weekday's name ends in l
      return weekday_of_month(span);
    return range(span, by);
  }

  expected<void> range(std::string_view span, unsigned by) {
    auto const dash = span.find('-', 1);
    auto const from = number(without_blanks(span.substr(0, dash)));
    if (!from) return fail(from.error());
    if (dash == span.npos) return add(*from, *from, 1), expected<void>{};
    auto const to = number(without_blanks(span.substr(dash + 1)));
    if (!to) return fail(to.error());
    add(*from, *to, by);
    return {};
  }

  /// "fri#2", "5L".
  expected<void> weekday_of_month(std::string_view span) {
    auto const hash = span.find('#');
    unsigned week = 6;
    if (hash != span.npos) {
      auto const nth = span.substr(hash + 1);
      if (nth.size() != 1 || nth[0] < '1' || nth[0] > '5') return wrong(span, "after # comes a number from 1 to 5");
      week = static_cast<unsigned>(nth[0] - '0');
    }
    auto const day = number(span.substr(0, hash == span.npos ? span.size() - 1 : hash));
    if (!day) return fail(day.error());
    bits_ |= 1ull << (7 * week + *day % 7);
    return {};
  }

  /// Every `by`-th of from ... to, which goes over the end of the field when `to` is before `from`.
  void add(unsigned from, unsigned to, unsigned by) {
    bool const weekday = field_ == weekdays_field;
    if (weekday && from == 7) from = 0, to = to == 7 ? 0 : to;
    auto const round = spec_.high - spec_.low + 1;
    auto const count = (to >= from ? to - from : to + round - from) + 1;
    for (unsigned at = 0; at < count; at += by) bits_ |= 1ull << ((from - spec_.low + at) % round);
  }

  /// "H", "H/15", "H(0-29)", "H(0-29)/10".
  expected<void> hashed(cron_sets& into, std::string_view text) {
    auto rest = text.substr(1);
    auto low = spec_.low, high = field_ == days_field ? last_hashed_day : spec_.high;
    if (rest.starts_with('(')) {
      auto const close = rest.find(')'), dash = rest.find('-');
      if (close == rest.npos || dash > close) return wrong(text, "is written H(0-29)");
      auto const from = number(without_blanks(rest.substr(1, dash - 1)));
      if (!from) return fail(from.error());
      auto const to = number(without_blanks(rest.substr(dash + 1, close - dash - 1)));
      if (!to) return fail(to.error());
      low = *from, high = std::min(*to, spec_.high);
      if (high < low) return wrong(text, "begins after its end");
      rest.remove_prefix(close + 1);
    }
    unsigned by = hashed_whole;
    if (rest.starts_with('/')) {
      auto const read = step(rest.substr(1));
      if (!read) return fail(read.error());
      by = *read;
      if (by > high - low + 1) return wrong(text, "has a step that is longer than its range");
      rest = {};
    }
    if (!rest.empty()) return wrong(text, "is not how H is written: H, H(0-29), H/15 or H(0-29)/10");
    set_bits(into, field_, ((1ull << (high - low + 1)) - 1) << (low - spec_.low));
    set_hashed_step(into, field_, by);
    return {};
  }

  std::size_t field_;
  cron_field const& spec_;
  std::string_view text_;
  std::uint64_t bits_ = 0;
};

}  // namespace

expected<void> read_cron_field(cron_sets& into, std::size_t field, std::string_view text) {
  return cron_field_parser{field, text}.read(into);
}

expected<cron_sets> read_crontab(std::array<std::string_view, cron_field_count> const& fields) {
  cron_sets out;
  for (std::size_t f = 0; f < cron_field_count; ++f)
    if (auto read = read_cron_field(out, f, fields[f]); !read) return fail(read.error());
  if (auto comes = demand_some_day(out); !comes) return fail(comes.error());
  return out;
}

expected<void> demand_some_day(cron_sets const& sets) {
  if (ever_comes(sets)) return {};
  return fail(errc::invalid_argument,
              "no such day ever comes: day of month, month and day of week must all three agree");
}

}  // namespace lovage::beats
