#include "beat/schedule_value.hpp"

#include "beat/schedule_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::beats {
namespace {

struct member_name {
  std::string_view name;
  std::string_view other{};
};
constexpr std::array<member_name, 6> crontab_members = {
    {{"minute"}, {"hour"}, {"day_of_month"}, {"month_of_year"}, {"day_of_week"}, {"timezone"}}};
constexpr std::array<member_name, 3> solar_members = {{{"event"}, {"latitude", "lat"}, {"longitude", "lon"}}};
constexpr std::array<member_name, 2> every_members = {{{"every"}, {"from"}}};
constexpr std::array<member_name, 1> clocked_members = {{{"at"}}};

failure bad_schedule(std::string detail) { return fail(errc::invalid_argument, std::move(detail)); }

/// A number or a text as text; of a list, one after the other with commas. Nothing for all else.
std::optional<std::string> member_text(value const& v) {
  if (auto const* s = v.get_if<std::string>()) return *s;
  if (auto const* i = v.get_if<std::int64_t>()) return std::to_string(*i);
  if (auto const* d = v.get_if<double>()) {
    char buffer[400];
    auto const [end, bad] = std::to_chars(buffer, buffer + sizeof buffer, *d, std::chars_format::fixed);
    return bad == std::errc{} ? std::optional{std::string{buffer, end}} : std::nullopt;
  }
  auto const* items = v.get_if<value::list>();
  if (!items || items->empty()) return std::nullopt;
  std::string out;
  for (auto const& item : *items) {
    auto const text = item.get_if<value::list>() ? std::nullopt : member_text(item);
    if (!text) return std::nullopt;
    out += (out.empty() ? "" : ",") + *text;
  }
  return out;
}

/// The members by their place in `known`; null or left out: the one of `initial`. Others than those are an error.
template <std::size_t N>
expected<std::array<std::string, N>> members_of(value::map const& map, std::array<member_name, N> const& known,
                                                std::string_view initial) {
  std::array<std::string, N> out;
  out.fill(std::string{initial});
  for (auto const& member : map) {
    auto const place = std::find_if(known.begin(), known.end(), [&](member_name const& m) {
      return m.name == member.key || (!m.other.empty() && m.other == member.key);
    });
    if (place == known.end()) {
      std::string names;
      for (auto const& m : known) names += (names.empty() ? "" : ", ") + std::string{m.name};
      return bad_schedule("a schedule has no \"" + member.key + "\"; it is made of " + names);
    }
    if (member.val.is_null()) continue;
    auto text = member_text(member.val);
    if (!text) return bad_schedule("\"" + member.key + "\" is no number, text or list of them");
    out[static_cast<std::size_t>(place - known.begin())] = std::move(*text);
  }
  return out;
}

template <std::size_t N>
expected<schedule> from_words(value::map const& map, std::array<member_name, N> const& known, std::string text) {
  auto const members = members_of(map, known, "");
  if (!members) return fail(members.error());
  for (std::size_t i = 0; i < N; ++i) {
    auto const& word = (*members)[i];
    if (known[i].name == "from" && !word.empty()) text += " from";
    text += " " + word;
  }
  return read_schedule(text);
}

expected<schedule> crontab_of(value::map const& map) {
  auto const f = members_of(map, crontab_members, "*");
  if (!f) return fail(f.error());
  auto out = crontab::parse((*f)[0], (*f)[1], (*f)[2], (*f)[3], (*f)[4]);
  if (!out) return fail(out.error());
  if ((*f)[5] == "*") return schedule{*out};
  return read_schedule(out->text() + " " + (*f)[5]);
}

expected<schedule> schedule_of_map(value::map const& map) {
  auto const has = [&](std::string_view key) {
    return std::any_of(map.begin(), map.end(), [&](auto const& m) { return m.key == key; });
  };
  if (has("event")) return from_words(map, solar_members, "solar");
  if (has("every")) return from_words(map, every_members, "every");
  if (has("at")) return from_words(map, clocked_members, "at");
  if (map.empty())
    return bad_schedule(
        "the schedule is empty: name minute, hour, day_of_month, month_of_year, day_of_week, "
        "those that are not *; or every, event, at");
  return crontab_of(map);
}

}  // namespace

expected<schedule> schedule_of_value(value const& v) {
  if (auto const* s = v.get_if<std::string>()) return read_schedule(*s);
  std::optional<double> seconds;
  if (auto const* i = v.get_if<std::int64_t>()) seconds = static_cast<double>(*i);
  if (auto const* d = v.get_if<double>()) seconds = *d;
  if (seconds) {
    auto out = every_of(*seconds);
    if (!out) return fail(out.error());
    return schedule{*out};
  }
  if (auto const* map = v.get_if<value::map>()) return schedule_of_map(*map);
  return bad_schedule("a schedule is a number of seconds, a text or a map");
}

}  // namespace lovage::beats
