// Reading results.
#include "app/app_state.hpp"
#include "app/result_trees.hpp"

#include "wire/result_record.hpp"

#include <algorithm>

namespace lovage {

bool task_status::ready() const noexcept { return wire::state::is_ready(state); }

std::optional<error_info> task_status::failure() const {
  if (state != wire::state::failure && state != wire::state::revoked && state != wire::state::retry)
    return std::nullopt;
  auto const e = wire::exception_info::from_value(result);
  auto const text = e ? e->type + ": " + e->text() : state;
  return error_info{state == wire::state::revoked ? errc::revoked : errc::task_failed, text, id.str()};
}

namespace detail {

task_status status_of(wire::result_record r) {
  return {std::move(r.id), std::move(r.status), std::move(r.result), r.traceback.value_or(""),
          r.date_done.value_or("")};
}

task_status result_handle::status() const {
  auto const until = app_->operation_deadline();
  auto backend = app_->backend(until).value();
  auto records = backend->fetch({&id_, 1}, until).value();
  return status_of(std::move(records.front()));
}

bool result_handle::wait(deadline until) const {
  auto done = ready_status(until);
  if (done) return true;
  if (done.error().code == errc::timeout) return false;
  throw error{done.error()};
}

void result_handle::forget() const {
  auto const until = app_->operation_deadline();
  app_->backend(until).value()->forget({&id_, 1}, until).value();
}

error_info result_handle::wrong_type(error const& e) const {
  return {errc::decode,
          "the result of " + (task_.empty() ? "the task" : task_) + " has another type: " + e.info().detail, id_.str()};
}

namespace {

error_info no_result(backend::result_backend const& from, task_id const& id) {
  std::string why = "no result in time; is a worker running that knows this task?";
  if (!from.abilities().readable_by_all) why += " Over rpc:// only the app that sent a task gets its result";
  return {errc::timeout, std::move(why), id.str()};
}

// Whoever does not wait is shown what is there, however long it takes to look.
expected<task_status> look(backend::result_backend& at, task_id const& id, deadline until) {
  auto records = at.fetch({&id, 1}, until);
  if (!records) return fail(records.error());
  if (!records->front().ready()) return fail(no_result(at, id));
  return status_of(std::move(records->front()));
}

}  // namespace

expected<task_status> result_handle::ready_status(deadline until) const {
  auto const limit = app_->operation_deadline();
  auto backend = app_->backend(until.passed() ? limit : until);
  if (!backend) return fail(backend.error());
  if (until.passed()) return look(**backend, id_, limit);
  auto watch = (*backend)->make_watch();
  if (!watch) return fail(watch.error());
  (*watch)->add({&id_, 1});
  for (;;) {
    auto records = (*watch)->next(until);
    if (!records) return fail(records.error());
    for (auto& r : *records)
      if (r.ready()) return status_of(std::move(r));
    if (until.passed()) return fail(no_result(**backend, id_));
  }
}

}  // namespace detail

std::size_t app::follow(std::span<task_id const> ids,
                        std::function<void(std::size_t, task_status const&)> const& on_change, deadline until) {
  auto const go_on = [&](std::size_t place, task_status const& status) { return on_change(place, status), true; };
  return detail::follow(*state_, ids, go_on, until);
}

}  // namespace lovage
