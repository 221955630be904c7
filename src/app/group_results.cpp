// Reading the results of a group.
#include "app/app_state.hpp"
#include "app/result_trees.hpp"
#include "app/revoke.hpp"

#include <lovage/group_result.hpp>

#include <algorithm>

namespace lovage::detail {
namespace {

// The tasks whose results a group's are.
void add_members(result_tree const& of, std::vector<task_id>& out) {
  if (!of.is_group) return out.emplace_back(of.id), void();
  for (auto const& member : of.members) add_members(member, out);
}

// Their results, `next` first, in the shape of the group: a group inside is a part of it, but for the end of a chain.
void add_results(result_tree const& of, std::vector<task_status>::iterator& next, value::list& out) {
  for (auto const& member : of.members) {
    if (!member.is_group) {
      out.push_back(std::move(next++->result));
    } else if (member.parent.empty()) {
      add_results(member, next, out);
    } else {
      value::list inner;
      add_results(member, next, inner);
      out.emplace_back(std::move(inner));
    }
  }
}

}  // namespace

group_handle::group_handle(std::shared_ptr<app_state> app, result_tree tree)
    : app_{std::move(app)}, tree_{std::make_shared<result_tree const>(std::move(tree))} {
  add_members(*tree_, ids_);
}

std::vector<task_status> group_handle::statuses() const {
  auto const until = app_->operation_deadline();
  auto records = app_->backend(until).value()->fetch(ids_, until).value();
  std::vector<task_status> out;
  for (auto& r : records) out.push_back(status_of(std::move(r)));
  return out;
}

std::size_t group_handle::completed_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(statuses(), &task_status::successful));
}
bool group_handle::ready() const { return std::ranges::all_of(statuses(), &task_status::ready); }
bool group_handle::successful() const { return std::ranges::all_of(statuses(), &task_status::successful); }
bool group_handle::failed() const {
  return std::ranges::any_of(statuses(), [](auto const& s) { return s.ready() && !s.successful(); });
}

std::size_t group_handle::for_each_ready(std::function<void(std::size_t, task_status const&)> const& each,
                                         deadline until) const {
  std::size_t ready = 0;
  follow(
      *app_, ids_,
      [&](std::size_t place, task_status const& status) {
        if (!status.ready()) return true;
        ++ready;
        each(place, status);
        return true;
      },
      until);
  return ready;
}

bool group_handle::wait(deadline until) const {
  return for_each_ready([](std::size_t, task_status const&) {}, until) == size();
}

void group_handle::revoke(bool terminate, std::string const& signal) const {
  detail::revoke(*app_, task_ids(*tree_), terminate, signal).value();
}

void group_handle::forget() const {
  auto const until = app_->operation_deadline();
  auto const backend = app_->backend(until).value();
  backend->forget(ids_, until).value();
  if (backend->abilities().chords) backend->forget_group(id(), until).value();
}

void group_handle::save() const {
  auto const until = app_->operation_deadline();
  auto const backend = app_->backend(until).value();
  backend
      ->store_group(tuple_of(*tree_), std::chrono::duration_cast<std::chrono::seconds>(app_->settings.result_expires()),
                    until)
      .value();
}

std::vector<task_status> group_handle::wait_for_all(deadline until) const {
  std::vector<task_status> all(size());
  std::optional<task_status> failed;
  std::size_t ready = 0;
  follow(
      *app_, ids_,
      [&](std::size_t place, task_status const& status) {
        if (!status.ready()) return true;
        if (!status.successful()) return failed = status, false;
        ++ready;
        all[place] = status;
        return true;
      },
      until);
  if (failed) return {*std::move(failed)};
  if (ready < size())
    throw error{errc::timeout,
                std::to_string(size() - ready) + " of the " + std::to_string(size()) +
                    " results of the group did not come in time; is a worker running that knows their "
                    "tasks?",
                id()};
  return all;
}

value::list group_handle::join_or_throw(deadline until) const {
  auto all = wait_for_all(until);
  for (auto const& status : all) raise_failure(status, *tree_, *app_);
  value::list out;
  auto next = all.begin();
  add_results(*tree_, next, out);
  return out;
}

expected<value::list> group_handle::joined(deadline until) const {
  try {
    return join_or_throw(until);
  } catch (error const& e) {
    return fail(e.info());
  }
}

}  // namespace lovage::detail
