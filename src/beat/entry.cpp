#include "beat/entry.hpp"

#include "beat/scatter.hpp"
#include "wire/fields.hpp"
#include "wire/named_uuid.hpp"
#include "wire/serializer.hpp"

#include <lovage/periodic_values.hpp>

#include <array>
#include <cmath>

namespace lovage::beats {
namespace {

using option_seconds = periodic_options::seconds;

constexpr std::array<std::string_view, 4> origin_names{"code", "configuration", "store", "django"};

// One of these words; others are refused and named.
template <class Enum, std::size_t N>
void read_word(std::array<std::string_view, N> const& names, std::string_view key, value const& v, Enum& out,
               wire::fields& in) {
  auto const* text = v.get_if<std::string>();
  std::string known;
  for (std::size_t i = 0; i < N; ++i) {
    if (text && names[i] == *text) return static_cast<void>(out = static_cast<Enum>(i));
    known += (i == 0 ? "" : ", ") + std::string{names[i]};
  }
  in.refuse(key, "is none of " + known);
}

// A time that is not negative, and that a clock can be moved by.
void read_seconds(std::string_view key, value const& v, std::optional<option_seconds>& out, wire::fields& in) {
  std::optional<double> s;
  in.number(key, v, s);
  if (s && (*s < 0 || *s > 31'536'000'000)) return in.refuse(key, "is no number of seconds from 0 on");
  if (s) out = option_seconds{*s};
}

void read_moment(std::string_view key, value const& v, std::optional<time_point>& out, wire::fields& in) {
  std::optional<datetime> at;
  in.time(key, v, at);
  if (at) out = at->to_time_point();
}

bool read_option(std::string_view key, value const& v, periodic_options& out, wire::fields& in) {
  std::optional<option_seconds> some;
  if (key == "catch_up") return read_word(detail::catch_up_names, key, v, out.catch_up_, in), true;
  if (key == "overlap") return read_word(detail::overlap_names, key, v, out.overlap_, in), true;
  if (key == "grace") return read_seconds(key, v, out.grace_, in), true;
  if (key == "one_off") return in.boolean(key, v, out.one_off_), true;
  if (key == "start") return read_moment(key, v, out.start_, in), true;
  if (key == "end") return read_moment(key, v, out.end_, in), true;
  if (key != "spread" && key != "jitter") return false;
  read_seconds(key, v, some, in);
  (key == "spread" ? out.spread_ : out.jitter_) = some.value_or(option_seconds{0});
  return true;
}

}  // namespace

std::string_view to_string(origin o) noexcept { return origin_names[static_cast<std::size_t>(o)]; }

value::map option_map(periodic_options const& with) { return detail::periodic_values(with); }

expected<periodic_options> read_options(value::map const& from) {
  periodic_options out;
  wire::fields in{"entry", "member"};
  for (auto const& [key, v] : from) (void)read_option(key, v, out, in);
  if (!in.ok()) return fail(in.take_error());
  return out;
}

std::string definition_text(entry const& e) {
  value::map out{{"schedule", e.when.text()}, {"call", e.call}};
  for (auto& item : option_map(e.with)) out.push_back(std::move(item));
  return wire::to_json(value{std::move(out)}).value();
}

expected<entry> entry_of(std::string name, std::string_view definition) {
  auto v = wire::from_json(definition);
  if (!v) return fail(v.error());
  auto const* members = v->get_if<value::map>();
  if (!members) return fail(errc::decode, "the definition is no map", "entry " + name);
  auto const* when = find(*members, "schedule");
  auto const* when_text = when ? when->get_if<std::string>() : nullptr;
  auto const* call = find(*members, "call");
  auto const* call_text = call ? call->get_if<std::string>() : nullptr;
  if (!when_text || !call_text) return fail(errc::decode, "its schedule or its call is missing", "entry " + name);
  auto schedule = lovage::schedule::parse(*when_text);
  if (!schedule) return fail(errc::decode, schedule.error().text(), "entry " + name);
  auto with = read_options(*members);
  if (!with) return fail(errc::decode, with.error().text(), "entry " + name);
  entry out{std::move(name), *std::move(schedule), *call_text, *std::move(with), {}, true, {}, {}, {}, 0};
  out.from = origin::store;
  return out;
}

task_id task_id_of(std::string_view entry, time_point due) {
  constexpr uuid space{
      {0x6e, 0x1d, 0x1c, 0x52, 0x0f, 0x3d, 0x4d, 0x50, 0x8f, 0x6b, 0x3c, 0x1a, 0x94, 0xd2, 0x55, 0x01}};
  return task_id{
      wire::named_uuid(space, std::to_string(due.time_since_epoch().count()) + " " + std::string{entry}).str()};
}

time_point sending_time(std::string_view entry, time_point due, periodic_options const& with) {
  return due + spread_of(entry, whole_us(with.spread_)) + jitter_of(entry, due, whole_us(with.jitter_));
}

}  // namespace lovage::beats
