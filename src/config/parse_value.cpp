#include "config/parse_value.hpp"

#include "config/url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace lovage::settings {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  auto const from = text.find_first_not_of(blank);
  if (from == text.npos) return {};
  return text.substr(from, text.find_last_not_of(blank) - from + 1);
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  if (trim(text).empty()) return out;
  for (;;) {
    auto const at = text.find(by);
    out.push_back(trim(text.substr(0, at)));
    if (at == text.npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::string lowered(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

struct range {
  double low, high;
};

range bounds_of(setting const& row) {
  range out{-1e15, 1e15};
  auto const dots = row.bounds.find("..");
  if (dots == row.bounds.npos) return out;
  auto const low = row.bounds.substr(0, dots), high = row.bounds.substr(dots + 2);
  std::from_chars(low.data(), low.data() + low.size(), out.low);
  if (!high.empty()) std::from_chars(high.data(), high.data() + high.size(), out.high);
  return out;
}

// The texts a choice may have; "a=b" takes a for b.
std::vector<std::pair<std::string_view, std::string_view>> choices_of(setting const& row) {
  std::vector<std::pair<std::string_view, std::string_view>> out;
  for (auto const item : split(row.bounds, '|')) {
    auto const equals = item.find('=');
    out.emplace_back(item.substr(0, equals), equals == item.npos ? item : item.substr(equals + 1));
  }
  return out;
}

std::string joined_choices(setting const& row) {
  std::string out;
  for (auto const& [name, meaning] : choices_of(row)) {
    if (name != meaning) continue;
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::string quoted(value const& v) {
  constexpr std::size_t longest = 60;
  if (auto const* s = v.get_if<std::string>()) {
    auto text = mask_url(*s);
    if (text.size() > longest) text = text.substr(0, longest) + "...";
    return "\"" + text + "\"";
  }
  if (auto const* b = v.get_if<bool>()) return *b ? "true" : "false";
  if (auto const* i = v.get_if<std::int64_t>()) return std::to_string(*i);
  if (auto const* u = v.get_if<std::uint64_t>()) return std::to_string(*u);
  if (auto const* d = v.get_if<double>()) {
    std::array<char, 40> digits{};
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), *d).ptr;
    return {digits.data(), end};
  }
  return std::string{"a "} + v.kind();
}

failure wrong(setting const& row, value const& got, std::string const& why = {}) {
  std::string text{row.name};
  text += ": expects " + expectation(row) + ", such as " + std::string{row.example};
  text += why.empty() ? "; got " + quoted(got) : "; " + why;
  return fail(errc::bad_config, std::move(text));
}

expected<value> check_flag(setting const& row, value const& v, texts how) {
  std::optional<bool> flag;
  if (auto const* b = v.get_if<bool>()) flag = *b;
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    auto const text = lowered(trim(*s));
    for (auto const* yes : {"true", "1", "yes", "on"})
      if (text == yes) flag = true;
    for (auto const* no : {"false", "0", "no", "off"})
      if (text == no) flag = false;
  }
  if (!flag || (row.bounds == "true" && !*flag)) return wrong(row, v);
  return value{*flag};
}

expected<value> check_integer(setting const& row, value const& v, texts how) {
  std::optional<std::int64_t> number;
  if (auto const* i = v.get_if<std::int64_t>()) number = *i;
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    auto const text = trim(*s);
    if (row.type == kind::maybe_integer && lowered(text) == "none") return value{};
    std::int64_t parsed = 0;
    auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (bad == std::errc{} && end == text.data() + text.size()) number = parsed;
  }
  auto const [low, high] = bounds_of(row);
  if (!number || static_cast<double>(*number) < low || static_cast<double>(*number) > high) return wrong(row, v);
  return value{*number};
}

expected<value> check_seconds(setting const& row, value const& v) {
  std::optional<double> seconds;
  if (auto const* i = v.get_if<std::int64_t>()) seconds = static_cast<double>(*i);
  if (auto const* d = v.get_if<double>()) seconds = *d;
  if (auto const* s = v.get_if<std::string>()) seconds = parse_seconds(*s);
  auto const [low, high] = bounds_of(row);
  if (!seconds || !(*seconds >= low && *seconds <= high)) return wrong(row, v);  // refuses NaN as well
  // Up, so that a limit of half a millisecond does not become "no limit".
  auto const ms = std::ceil(*seconds * 1000 - 1e-6);
  if (std::fmod(ms, 1000) == 0) return value{static_cast<std::int64_t>(ms / 1000)};
  return value{ms / 1000};
}

expected<value> check_choice(setting const& row, value const& v) {
  if (auto const* s = v.get_if<std::string>()) {
    auto const text = lowered(trim(*s));
    if (row.initial.empty() && (text.empty() || text == "none")) return value{""};
    for (auto const& [name, meaning] : choices_of(row))
      if (name == text) return value{meaning};
  }
  return wrong(row, v);
}

expected<value> check_text(setting const& row, value const& v) {
  auto const* s = v.get_if<std::string>();
  if (!s) return wrong(row, v);
  if (bounds_of(row).low >= 1 && trim(*s).empty()) return wrong(row, v);
  if (s->find('\0') != s->npos) return wrong(row, v, "a zero byte cannot stand in it");
  return value{*s};
}

expected<value> check_url(setting const& row, value const& v) {
  auto const* s = v.get_if<std::string>();
  if (!s) return wrong(row, v);
  auto const text = trim(*s);
  bool const may_be_none = row.name == "result_backend";
  if (may_be_none && (text == "disabled" || text == "none")) return value{""};
  // Names that Celery takes for a backend without being URLs.
  if (may_be_none && (text == "rpc" || text == "django-db")) return value{std::string{text} + "://"};
  if (auto const urls = parse_urls(text); !urls) return wrong(row, v, urls.error().detail);
  return value{text};
}

expected<value> check_names(setting const& row, value const& v, texts how) {
  std::vector<std::string> names;
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    for (auto const part : split(*s, ',')) names.emplace_back(part);
  } else if (auto const* items = v.get_if<value::list>()) {
    for (auto const& item : *items) {
      auto const* name = item.get_if<std::string>();
      if (!name) return wrong(row, v, "an item is " + quoted(item));
      names.emplace_back(trim(*name));
    }
  } else {
    return wrong(row, v);
  }
  if (names.empty()) return wrong(row, v, "the list is empty");
  value::list out;
  auto const choices = choices_of(row);
  for (auto const& name : names) {
    auto const known = std::find_if(choices.begin(), choices.end(), [&](auto const& c) { return c.first == name; });
    if (!choices.empty() && known == choices.end()) return wrong(row, v, "an item is " + quoted(value{name}));
    out.emplace_back(choices.empty() ? std::string_view{name} : known->second);
  }
  return value{std::move(out)};
}

// Celery writes {"queue": "high"} where lovage also takes "high".
std::string const* queue_of(value const& v) {
  if (auto const* s = v.get_if<std::string>()) return s;
  auto const* m = v.get_if<value::map>();
  return m && m->size() == 1 && m->front().key == "queue" ? m->front().val.get_if<std::string>() : nullptr;
}

expected<value> check_routes(setting const& row, value const& v, texts how) {
  value::map in;
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    for (auto const part : split(*s, ',')) {
      auto const equals = part.find('=');
      if (equals == part.npos) return wrong(row, v);
      in.push_back({std::string{trim(part.substr(0, equals))}, value{trim(part.substr(equals + 1))}});
    }
  } else if (auto const* m = v.get_if<value::map>()) {
    in = *m;
  } else {
    return wrong(row, v);
  }
  value::map out;
  for (auto const& [pattern, target] : in) {
    auto const* queue = queue_of(target);
    if (!queue || trim(*queue).empty() || pattern.empty()) {
      return wrong(row, v, "the rule \"" + pattern + "\" does not name a queue and nothing else");
    }
    if (lovage::find(out, pattern)) return wrong(row, v, "the rule \"" + pattern + "\" stands twice");
    out.push_back({pattern, value{trim(*queue)}});
  }
  return value{std::move(out)};
}

}  // namespace

std::optional<double> parse_seconds(std::string_view text) {
  struct unit {
    std::string_view name;
    double seconds;
  };
  static constexpr std::array<unit, 6> units = {
      {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}}};
  text = trim(text);
  if (lowered(text) == "never" || lowered(text) == "none") return 0;
  if (text.empty()) return std::nullopt;
  double sum = 0;
  for (bool first = true; !text.empty(); first = false) {
    double number = 0;
    auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (bad != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty() && first) return number;
    auto const letters = text.substr(0, std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), text.size()));
    auto const it = std::find_if(units.begin(), units.end(), [&](unit const& u) { return u.name == letters; });
    if (it == units.end()) return std::nullopt;
    sum += number * it->seconds;
    text.remove_prefix(letters.size());
  }
  return sum;
}

std::string expectation(setting const& row) {
  auto const dots = row.bounds.find("..");
  std::string span;
  if (dots != row.bounds.npos && row.type != kind::text) {
    span = " from " + std::string{row.bounds.substr(0, dots)} + " to " + std::string{row.bounds.substr(dots + 2)};
  }
  switch (row.type) {
    case kind::url: return "a URL";
    case kind::text: return row.bounds.empty() ? "text" : "text that is not empty";
    case kind::choice: return "one of " + joined_choices(row);
    case kind::flag: return row.bounds.empty() ? "true or false" : "true";
    case kind::integer: return "an integer" + span;
    case kind::maybe_integer: return "an integer" + span + ", or none";
    case kind::seconds: return "seconds" + span + " (a number, or text with ms, s, m, h, d, w)";
    case kind::names: return "a list of names out of " + joined_choices(row);
    case kind::routes: return "a table of task names (or globs) and queues";
  }
  return "a value";
}

expected<value> check(setting const& row, value const& v, texts how) {
  switch (row.type) {
    case kind::url: return check_url(row, v);
    case kind::text: return check_text(row, v);
    case kind::choice: return check_choice(row, v);
    case kind::flag: return check_flag(row, v, how);
    case kind::integer:
    case kind::maybe_integer: return check_integer(row, v, how);
    case kind::seconds: return check_seconds(row, v);
    case kind::names: return check_names(row, v, how);
    case kind::routes: return check_routes(row, v, how);
  }
  return fail(errc::internal, "a setting of no kind");
}

value initial_value(setting const& row) {
  if (!row.initial.empty()) {
    auto parsed = check(row, value{row.initial}, texts::any_type);
    return parsed ? std::move(*parsed) : value{};
  }
  switch (row.type) {
    case kind::url:
    case kind::text:
    case kind::choice: return value{""};
    case kind::names: return value{value::list{}};
    case kind::routes: return value{value::map{}};
    default: return value{};
  }
}

std::string show(setting const& row, value const& canonical) {
  std::string out;
  if (auto const* s = canonical.get_if<std::string>()) {
    if (s->empty()) return row.type == kind::url ? "disabled" : "none";
    return row.type == kind::url ? mask_url(*s) : *s;
  }
  if (canonical.is_null()) return "none";
  if (auto const* items = canonical.get_if<value::list>()) {
    for (auto const& item : *items) {
      auto const* name = item.get_if<std::string>();
      out += (out.empty() ? "" : ",") + (name ? *name : std::string{item.kind()});
    }
    return out;
  }
  if (auto const* rules = canonical.get_if<value::map>()) {
    for (auto const& [pattern, queue] : *rules) {
      auto const* name = queue.get_if<std::string>();
      out += (out.empty() ? "" : ",") + pattern + "=" + (name ? *name : std::string{queue.kind()});
    }
    return out.empty() ? "none" : out;
  }
  return quoted(canonical);
}

}  // namespace lovage::settings
