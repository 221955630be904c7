#include "config/parse_value.hpp"

#include "config/setting_text.hpp"
#include "config/structured_values.hpp"
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

expected<value> check_flag(setting const& row, value const& v, texts how) {
  std::optional<bool> flag;
  if (auto const* b = v.get_if<bool>()) flag = *b;
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    auto const text = lowered(trim(*s));
    if (row.type == kind::maybe_flag && text == "none") return value{};
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
  if (auto const* s = v.get_if<std::string>(); s && (how == texts::any_type || lowered(trim(*s)) == "auto")) {
    auto const text = trim(*s);
    if (row.type == kind::maybe_integer && lowered(text) == "none") return value{};
    if (row.name == "worker_prefetch_multiplier" && lowered(text) == "auto") return value{std::int64_t{-1}};
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
  auto const* number = v.get_if<std::int64_t>();  // delivery_mode = 2
  auto const digits = number ? std::to_string(*number) : std::string{};
  if (auto const* s = number ? &digits : v.get_if<std::string>()) {
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
  if (row.bounds == "none" && (trim(*s).empty() || trim(*s) == "none")) return value{""};
  if (bounds_of(row).low >= 1 && trim(*s).empty()) return wrong(row, v);
  if (s->find('\0') != s->npos) return wrong(row, v, "a zero byte cannot stand in it");
  return value{*s};
}

// One address, a failover list separated by `;`, or the same as a list.
expected<value> check_url(setting const& row, value const& v) {
  std::string joined;
  if (auto const* items = v.get_if<value::list>()) {
    for (auto const& item : *items) {
      auto const* one = item.get_if<std::string>();
      if (!one || !parse_url(trim(*one))) return wrong(row, v, "an item is " + quoted(item));
      joined += (joined.empty() ? "" : ";") + std::string{trim(*one)};
    }
    return joined.empty() ? expected<value>{wrong(row, v, "the list is empty")} : check_url(row, value{joined});
  }
  auto const* s = v.get_if<std::string>();
  if (!s) return wrong(row, v);
  auto const text = trim(*s);
  bool const may_be_none = row.name != "broker_url";
  if (may_be_none && (text == "disabled" || text == "none")) return value{""};
  // Names that Celery takes for a backend without being URLs.
  if (row.name == "result_backend" && (text == "rpc" || text == "redis" || text == "django-db" || text == "database"))
    return value{std::string{text} + "://"};
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
  if (names.empty() && !row.initial.empty()) return wrong(row, v, "the list is empty");
  value::list out;
  auto const choices = choices_of(row);
  for (auto const& name : names) {
    auto const known = std::find_if(choices.begin(), choices.end(), [&](auto const& c) { return c.first == name; });
    if (!choices.empty() && known == choices.end()) return wrong(row, v, "an item is " + quoted(value{name}));
    out.emplace_back(choices.empty() ? std::string_view{name} : known->second);
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
    case kind::url: return "a URL or a list of them";
    case kind::text: return row.bounds == "1.." ? "text that is not empty" : "text";
    case kind::choice: return "one of " + joined_choices(row);
    case kind::flag: return row.bounds.empty() ? "true or false" : "true";
    case kind::maybe_flag: return "true, false, or none";
    case kind::integer: return "an integer" + span;
    case kind::maybe_integer: return "an integer" + span + ", or none";
    case kind::seconds: return "seconds" + span + " (a number, or text with ms, s, m, h, d, w)";
    case kind::names: return row.bounds.empty() ? "a list of names" : "a list of names out of " + joined_choices(row);
    case kind::routes: return "a table of task names, globs or /regular expressions/ and where they go";
    case kind::queues: return "names of queues, or a table of names and options";
    case kind::annotations: return "a table of task names, or *, and tables of options";
    case kind::map: return "a table";
    case kind::tls: return "true, false, or a table of ca_certs, certfile, keyfile, cert_reqs, server_hostname";
  }
  return "a value";
}

expected<value> check(setting const& row, value const& v, texts how) {
  switch (row.type) {
    case kind::url: return check_url(row, v);
    case kind::text: return check_text(row, v);
    case kind::choice: return check_choice(row, v);
    case kind::flag:
    case kind::maybe_flag: return check_flag(row, v, how);
    case kind::integer:
    case kind::maybe_integer: return check_integer(row, v, how);
    case kind::seconds: return check_seconds(row, v);
    case kind::names: return check_names(row, v, how);
    case kind::routes: return check_routes(row, v, how);
    case kind::queues: return check_queues(row, v, how);
    case kind::annotations: return check_annotations(row, v, how);
    case kind::map: return check_map(row, v, how);
    case kind::tls: return check_tls(row, v, how);
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
    case kind::routes:
    case kind::queues:
    case kind::annotations:
    case kind::map: return value{value::map{}};
    case kind::tls: return value{false};
    default: return value{};
  }
}

}  // namespace lovage::settings
