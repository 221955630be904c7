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

// Those that listen learn of it at once, and end what runs where that was asked for.
expected<void> announce_revocation(app_state& app, std::span<task_id const> ids, bool terminate,
                                   std::string const& signal) {
  value::list list;
  for (auto const& id : ids) list.emplace_back(id.str());
  control_client by{app.shared_from_this()};
  return by.cast("revoke",
                 {{"task_id", std::move(list)},
                  {"terminate", terminate},
                  {"signal", signal.starts_with("SIG") ? signal : "SIG" + signal}},
                 {});
}

}  // namespace

expected<void> revoke(app_state& app, std::span<task_id const> ids, bool terminate, std::string const& signal) {
  if (ids.empty()) return {};
  auto const until = app.operation_deadline();
  auto on = app.transport(until);
  if (!on) return fail(on.error());
  auto marks = (*on)->make_inspector(until);
  if (!marks) return fail(marks.error());
  std::vector<broker::revocation> what;
  auto const end = app.now() + kept_for();
  for (auto const& id : ids) what.push_back({{}, id.str(), end});
  auto done = (*marks)->revoke(what);
  if (!done && done.error().code != errc::not_supported) return done;
  auto const told = announce_revocation(app, ids, terminate, signal);
  return done ? told : done;
}

void result_handle::revoke(bool terminate, std::string const& signal) const {
  detail::revoke(*app_, {&id_, 1}, terminate, signal).value();
}

}  // namespace detail

void app::revoke(std::span<task_id const> ids, bool terminate, std::string const& signal) {
  detail::revoke(*state_, ids, terminate, signal).value();
}

}  // namespace lovage
