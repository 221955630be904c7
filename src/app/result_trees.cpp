#include "app/result_trees.hpp"

#include "app/revoke.hpp"
#include "wire/result_record.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

namespace lovage::detail {

result_tree tree_of(wire::result_tuple const& from) {
  result_tree out{from.id, {}, from.children.has_value(), {}};
  for (auto const& before : from.parent) out.parent.push_back(tree_of(before));
  if (from.children)
    for (auto const& member : *from.children) out.members.push_back(tree_of(member));
  return out;
}

wire::result_tuple tuple_of(result_tree const& from) {
  wire::result_tuple out{from.id, {}, std::nullopt};
  for (auto const& before : from.parent) out.parent.push_back(tuple_of(before));
  if (!from.is_group) return out;
  out.children.emplace();
  for (auto const& member : from.members) out.children->push_back(tuple_of(member));
  return out;
}

namespace {

bool ended_badly(wire::result_record const& r) {
  return r.status == wire::state::failure || r.status == wire::state::revoked;
}

// First step first; a step is one task, or the tasks of a group.
std::vector<std::vector<task_id>> steps_of(result_tree const& last) {
  std::vector<std::vector<task_id>> out;
  for (auto const* at = &last;; at = &at->parent.front()) {
    auto alone = *at;
    alone.parent.clear();
    out.push_back(task_ids(alone));
    if (at->parent.empty()) break;
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace

std::string failed_step(result_tree const& of, app_state& app) {
  auto const steps = steps_of(of);
  if (steps.size() < 2) return {};
  auto const until = app.operation_deadline();
  auto backend = app.backend(until);
  for (std::size_t i = 0; backend && i < steps.size(); ++i) {
    auto const records = (*backend)->fetch(steps[i], until);
    if (!records) return {};
    auto const bad = std::ranges::find_if(*records, ended_badly);
    if (bad == records->end()) continue;
    return "step " + std::to_string(i + 1) + " of " + std::to_string(steps.size()) + ", " + bad->id.str();
  }
  return {};
}

void raise_failure(task_status const& status, result_tree const& of, app_state& app) {
  auto info = status.failure();
  if (!info) return;
  auto step = failed_step(of, app);
  auto const e = wire::exception_info::from_value(status.result);
  if (info->code != errc::revoked && e)
    throw task_failed{e->type, e->text(), e->module, status.traceback, std::move(step)};
  if (!step.empty()) info->where = std::move(step);
  throw error{*std::move(info)};
}

std::size_t follow(app_state& app, std::span<task_id const> ids,
                   std::function<bool(std::size_t, task_status const&)> const& on_change, deadline until) {
  auto watch = app.backend(until).value()->make_watch().value();
  std::unordered_map<task_id, std::size_t> place;
  for (std::size_t i = 0; i < ids.size(); ++i) place.emplace(ids[i], i);
  watch->add(ids);
  std::size_t ready = 0;
  while (ready < place.size() && !until.passed()) {
    auto const records = watch->next(until).value();
    for (auto const& r : records) {
      ready += r.ready() ? 1 : 0;
      if (!on_change(place.at(r.id), status_of(r))) return ready;
    }
  }
  return ready;
}

result_tree result_handle::tree() const { return tree_ ? *tree_ : result_tree{id_.str(), {}, false, {}}; }

void result_handle::revoke_all(bool terminate, std::string const& signal) const {
  detail::revoke(*app_, task_ids(tree()), terminate, signal).value();
}

void result_handle::raise_failure(task_status const& done) const { detail::raise_failure(done, tree(), *app_); }

std::optional<error_info> result_handle::failure_of(task_status const& done) const {
  auto info = done.failure();
  if (!info) return info;
  if (auto step = failed_step(tree(), *app_); !step.empty()) info->where = std::move(step);
  return info;
}

std::vector<result_tree> children_of(wire::result_record const& r) {
  std::vector<result_tree> out;
  auto const* list = r.children.get_if<value::list>();
  for (std::size_t i = 0; list && i < list->size(); ++i)
    if (auto child = wire::result_tuple::from_value((*list)[i])) out.push_back(tree_of(*child));
  return out;
}

std::vector<result_tree> result_handle::children() const {
  auto const until = app_->operation_deadline();
  auto const records = app_->backend(until).value()->fetch({&id_, 1}, until).value();
  return children_of(records.front());
}

std::vector<task_status> result_handle::collect(deadline until) const {
  std::vector<task_status> out;
  std::deque<task_id> open{id_};
  for (; !open.empty(); open.pop_front()) {
    result_handle const at{app_, open.front(), {}};
    auto done = at.ready_status(until);
    if (!done && done.error().code == errc::timeout) break;
    out.push_back(std::move(done).value());
    for (auto const& child : at.children()) {
      auto const more = task_ids(child);
      open.insert(open.end(), more.begin(), more.end());
    }
  }
  return out;
}

}  // namespace lovage::detail
