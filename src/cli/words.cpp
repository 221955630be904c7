#include "cli/words.hpp"

#include "cli/session.hpp"
#include "wire/serializer.hpp"

#include <lovage/iso_time.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace lovage::cli {
namespace {

std::optional<double> number(std::string_view text) {
  double out = 0;
  auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc{} || end != text.data() + text.size() || !std::isfinite(out)) return std::nullopt;
  return out;
}

template <class T>
T typed_json(std::string_view option, std::string_view text, char const* wanted) {
  auto v = wire::from_json(text);
  if (!v) throw usage_error{std::string{option} + " is no JSON: " + v.error().text()};
  auto* out = v->get_if<T>();
  if (out == nullptr) throw usage_error{std::string{option} + " takes " + wanted + ", not " + v->kind()};
  return std::move(*out);
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

value value_of_word(std::string_view word) {
  auto v = wire::from_json(word);
  return v ? *std::move(v) : value{word};
}

value::list list_of_json(std::string_view option, std::string_view text) {
  return typed_json<value::list>(option, text, "a JSON list such as '[2, 3]'");
}

value::map map_of_json(std::string_view option, std::string_view text) {
  return typed_json<value::map>(option, text, "a JSON object such as '{\"x\": 2}'");
}

double seconds_of(std::string_view option, std::string_view text) {
  auto const out = number(text);
  if (!out || *out < 0)
    throw usage_error{std::string{option} + " takes a number of seconds, not '" + std::string{text} + "'"};
  return *out;
}

time_point moment_of(std::string_view option, std::string_view text) {
  auto const out = iso_to_datetime(text);
  if (!out)
    throw usage_error{std::string{option} + " takes a time such as 2026-11-23T12:00:00+01:00, not '" +
                      std::string{text} + "'"};
  return out->to_time_point();
}

void set_expires(call_options& into, std::string_view text) {
  if (number(text)) {
    into.expires(call_options::seconds{seconds_of("--expires", text)});
  } else {
    into.expires_at(moment_of("--expires", text));
  }
}

std::string nearest(std::string_view wrong, std::vector<std::string> const& candidates) {
  std::string best;
  auto least = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (auto const& c : candidates) {
    auto const d = !wrong.empty() && c.starts_with(wrong) ? 1 : distance(wrong, c);
    if (d < least && d < std::max(c.size(), wrong.size())) {
      least = d;
      best = c;
    }
  }
  return best;
}

}  // namespace lovage::cli
