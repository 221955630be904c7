#include "monitor/event_fields.hpp"

#include "wire/serializer.hpp"
#include "wire/task_message.hpp"
#include "wire/utf8.hpp"

#include <lovage/iso_time.hpp>

#include <algorithm>
#include <cmath>

namespace lovage::monitor {
namespace {

value const* field_of(wire::event const& e, std::string_view key) {
  for (auto const& f : e.fields)
    if (f.key == key) return &f.val;
  return nullptr;
}

time_point from_unix(double seconds) {
  auto const bounded = std::clamp(seconds, 0.0, 32'503'680'000.0);  // the year 3000
  return time_point{std::chrono::microseconds{static_cast<std::int64_t>(std::llround(bounded * 1e6))}};
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    auto end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out{text};
  for (auto bad = wire::find_invalid_utf8(out); bad != std::string::npos; bad = wire::find_invalid_utf8(out, bad + 1))
    out[bad] = '?';
  return out;
}

std::string text_field(wire::event const& e, std::string_view key, std::size_t limit) {
  auto const* v = field_of(e, key);
  if (v == nullptr || v->is_null()) return {};
  if (auto const* s = v->get_if<std::string>()) return clean_text(*s, limit);
  return clean_text(wire::repr(*v, limit), limit);
}

std::string map_field(wire::event const& e, std::string_view key, std::size_t limit) {
  auto const* v = field_of(e, key);
  if (v == nullptr || !v->is<value::map>()) return {};
  auto text = wire::to_json(*v).value_or(std::string{});
  return text.size() <= limit ? text : std::string{};
}

std::optional<std::int64_t> integer_field(wire::event const& e, std::string_view key) {
  auto const* v = field_of(e, key);
  auto const* i = v ? v->get_if<std::int64_t>() : nullptr;
  return i ? std::optional{*i} : std::nullopt;
}

std::optional<double> real_field(wire::event const& e, std::string_view key) {
  auto const* v = field_of(e, key);
  if (v == nullptr) return std::nullopt;
  if (auto const* i = v->get_if<std::int64_t>()) return static_cast<double>(*i);
  auto const* d = v->get_if<double>();
  return d && std::isfinite(*d) ? std::optional{*d} : std::nullopt;
}

std::optional<time_point> time_field(wire::event const& e, std::string_view key) {
  auto const* v = field_of(e, key);
  if (v == nullptr) return std::nullopt;
  if (auto const* s = v->get_if<std::string>()) {
    auto const read = iso_to_datetime(*s);
    return read ? std::optional{read->to_time_point()} : std::nullopt;
  }
  auto const seconds = real_field(e, key);
  return seconds ? std::optional{from_unix(*seconds)} : std::nullopt;
}

time_point time_of(wire::event const& e, time_point arrived) {
  return e.timestamp ? std::min(from_unix(*e.timestamp), arrived) : arrived;
}

double unix_seconds(time_point t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

}  // namespace lovage::monitor
