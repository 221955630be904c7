#include "beat/entry_fields.hpp"

#include "app/app_state.hpp"
#include "beat/dispatcher.hpp"
#include "beat/schedule_value.hpp"
#include "config/parse_value.hpp"
#include "config/settings.hpp"
#include "wire/serializer.hpp"
#include "wire/signature.hpp"

#include <algorithm>
#include <array>

namespace lovage::beats {
namespace {

constexpr std::array<std::string_view, 15> known_members{"task",     "schedule", "args",     "kwargs", "options",
                                                         "relative", "enabled",  "catch_up", "grace",  "overlap",
                                                         "spread",   "jitter",   "start",    "end",    "one_off"};
// Those that a duration as text is good for.
constexpr std::array<std::string_view, 3> durations{"grace", "spread", "jitter"};

template <class T>
expected<T> member(value::map const& m, char const* key) {
  auto const* v = find(m, key);
  if (v == nullptr || v->is_null()) return T{};
  if (auto const* found = v->get_if<T>()) return *found;
  return fail(errc::invalid_argument, "'" + std::string{key} + "' is a " + v->kind());
}

expected<value::map> with_seconds(value::map members) {
  for (auto& [key, v] : members) {
    auto const* text = v.get_if<std::string>();
    if (!text || std::find(durations.begin(), durations.end(), key) == durations.end()) continue;
    auto const s = settings::parse_seconds(*text);
    if (!s) return fail(errc::invalid_argument, "'" + key + "' is no duration such as 90, 10s, 5m or 1h30m");
    v = *s;
  }
  return members;
}

expected<void> check_names(value::map const& members) {
  for (auto const& [key, v] : members) {
    if (std::find(known_members.begin(), known_members.end(), key) != known_members.end()) continue;
    std::string text = "no member '" + key + "'";
    if (auto const near = settings::nearest_of(key, known_members); !near.empty())
      text += "; did you mean '" + std::string{near} + "'?";
    return fail(errc::invalid_argument, text);
  }
  return {};
}

expected<entry> read_entry(std::string name, value::map const& members) {
  if (auto ok = detail::check_periodic_name(name); !ok) return fail(ok.error());
  if (auto ok = check_names(members); !ok) return fail(ok.error());
  auto task = member<std::string>(members, "task");
  auto args = member<value::list>(members, "args");
  auto kwargs = member<value::map>(members, "kwargs");
  auto options = member<value::map>(members, "options");
  for (error_info const* e : {task ? nullptr : &task.error(), args ? nullptr : &args.error(),
                              kwargs ? nullptr : &kwargs.error(), options ? nullptr : &options.error()})
    if (e) return fail(*e);
  if (task->empty()) return fail(errc::invalid_argument, "it needs a 'task'");
  auto const* when = find(members, "schedule");
  if (when == nullptr)
    return fail(errc::invalid_argument, "it needs a 'schedule': seconds, a text such as \"*/5 * * * *\", or a map");
  auto schedule = schedule_of_value(*when);
  if (!schedule) return fail(schedule.error());
  auto call = call_text(*std::move(task), *std::move(args), *std::move(kwargs), *std::move(options));
  if (!call) return fail(call.error());
  auto seconds = with_seconds(members);
  auto with = seconds ? read_options(*seconds) : fail(seconds.error());
  if (!with) return fail(with.error());
  entry out{std::move(name), *schedule, *std::move(call), *with, origin::store, true, {}, {}, {}, 0};
  if (auto const* on = find(members, "enabled")) {
    auto const* flag = on->get_if<bool>();
    if (flag == nullptr) return fail(errc::invalid_argument, "'enabled' is true or false");
    out.enabled = *flag;
  }
  return out;
}

}  // namespace

expected<std::string> call_text(std::string task, value::list args, value::map kwargs, value::map options) {
  wire::signature s;
  s.task = std::move(task);
  s.args = std::move(args);
  s.kwargs = std::move(kwargs);
  s.options = std::move(options);
  auto text = wire::to_json(std::move(s).to_value(), {.typed = true});
  if (!text) return text;
  auto const call = call_of_entry(*text);
  if (!call) return fail(call.error());
  if (auto ok = detail::check(*call); !ok) return fail(ok.error());
  return text;
}

expected<entry> entry_of_members(std::string name, value const& members) {
  auto const* m = members.get_if<value::map>();
  if (!m)
    return fail(errc::bad_config, "the periodic task '" + name + "' is a " + members.kind() + ", and takes a table");
  auto out = read_entry(name, *m);
  if (!out) return fail(errc::bad_config, "the periodic task '" + name + "': " + out.error().text());
  return out;
}

}  // namespace lovage::beats
