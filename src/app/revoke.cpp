// Revoking: a mark that the broker keeps, and word to the workers that listen.
#include "app/revoke.hpp"

#include "app/control_client.hpp"

#include <lovage/app.hpp>

#include <cstdlib>

namespace lovage {
namespace detail {
namespace {

constexpr double kept_for_s = 10'800;

std::chrono::microseconds kept_for() {
  auto const* text = std::getenv("CELERY_WORKER_REVOKE_EXPIRES");
  auto const s = text ? std::strtod(text, nullptr) : 0;
  return std::chrono::ceil<std::chrono::microseconds>(std::chrono::duration<double>(s > 0 ? s : kept_for_s));
}

/// The command that says the same to those that listen.
struct announcement {
  char const* command;
  char const* argument;  ///< the one that says what
  value what;
  bool terminate;
  std::string const& signal;
};

// They learn of it at once, and end what runs where that was asked for.
expected<void> announce(app_state& app, announcement&& a) {
  control_client by{app.shared_from_this()};
  return by.cast(a.command,
                 {{a.argument, std::move(a.what)},
                  {"terminate", a.terminate},
                  {"signal", a.signal.starts_with("SIG") ? a.signal : "SIG" + a.signal}},
                 {});
}

expected<void> mark(app_state& app, std::span<broker::revocation const> what) {
  auto const until = app.operation_deadline();
  auto on = app.transport(until);
  if (!on) return fail(on.error());
  auto marks = (*on)->make_inspector(until);
  if (!marks) return fail(marks.error());
  return (*marks)->revoke(what);
}

expected<void> mark_and_tell(app_state& app, std::vector<broker::revocation> const& what, announcement&& a) {
  auto const done = mark(app, what);
  if (!done && done.error().code != errc::not_supported) return done;
  auto const told = announce(app, std::move(a));
  return done ? told : done;
}

// One text or number, or those of a list. What is none is the workers' to refuse.
std::vector<std::string> texts_in(value const& v) {
  std::vector<std::string> out;
  if (auto const* text = v.get_if<std::string>()) out.push_back(*text);
  if (auto const* number = v.get_if<std::int64_t>()) out.push_back(std::to_string(*number));
  if (auto const* list = v.get_if<value::list>())
    for (auto const& item : *list)
      for (auto& one : texts_in(item)) out.push_back(std::move(one));
  return out;
}

// A map of names to values, or texts "name=value".
std::vector<std::pair<std::string, std::string>> stamps_in(value const& headers) {
  std::vector<std::pair<std::string, std::string>> out;
  auto const* map = headers.get_if<value::map>();
  for (std::size_t i = 0; map && i < map->size(); ++i)
    for (auto& text : texts_in((*map)[i].val)) out.emplace_back((*map)[i].key, std::move(text));
  for (auto const& word : texts_in(headers)) {
    auto const equals = word.find('=');
    if (equals != word.npos) out.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
  std::erase_if(out, [](auto const& stamp) { return stamp.first.empty(); });
  return out;
}

}  // namespace

expected<void> revoke(app_state& app, std::span<task_id const> ids, bool terminate, std::string const& signal) {
  if (ids.empty()) return {};
  std::vector<broker::revocation> what;
  value::list list;
  auto const end = app.now() + kept_for();
  for (auto const& id : ids) {
    what.push_back({{}, id.str(), end});
    list.emplace_back(id.str());
  }
  return mark_and_tell(app, what, {"revoke", "task_id", value{std::move(list)}, terminate, signal});
}

expected<void> revoke_stamps(app_state& app, stamp_values const& stamps, bool terminate, std::string const& signal) {
  std::vector<broker::revocation> what;
  value::map headers;
  auto const end = app.now() + kept_for();
  for (auto const& [name, values] : stamps) {
    if (name.empty()) return fail(errc::invalid_argument, "a stamp has no name");
    for (auto const& v : values) what.push_back({name, v, end});
    headers.push_back({name, value{value::list(values.begin(), values.end())}});
  }
  if (what.empty()) return {};
  return mark_and_tell(app, what,
                       {"revoke_by_stamped_headers", "headers", value{std::move(headers)}, terminate, signal});
}

bool is_revocation(std::string_view command) noexcept {
  return command == "revoke" || command == "terminate" || command == "revoke_by_stamped_headers";
}

expected<void> keep_revocation(app_state& app, std::string_view command, value::map const& arguments) {
  if (!is_revocation(command)) return {};
  std::vector<broker::revocation> what;
  auto const end = app.now() + kept_for();
  if (auto const* ids = find(arguments, "task_id"))
    for (auto& id : texts_in(*ids)) what.push_back({{}, std::move(id), end});
  if (auto const* headers = find(arguments, "headers"))
    for (auto& [name, v] : stamps_in(*headers)) what.push_back({std::move(name), std::move(v), end});
  if (what.empty()) return {};
  auto done = mark(app, what);
  if (!done && done.error().code == errc::not_supported) return {};
  return done;
}

void result_handle::revoke(bool terminate, std::string const& signal) const {
  detail::revoke(*app_, {&id_, 1}, terminate, signal).value();
}

}  // namespace detail

void app::revoke(std::span<task_id const> ids, bool terminate, std::string const& signal) {
  detail::revoke(*state_, ids, terminate, signal).value();
}

void app::revoke_by_stamped_headers(stamp_values const& stamps, bool terminate, std::string const& signal) {
  detail::revoke_stamps(*state_, stamps, terminate, signal).value();
}

}  // namespace lovage
