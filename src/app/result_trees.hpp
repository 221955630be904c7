// Handles of workflows: as data, and which of their steps failed.
#pragma once

#include "app/app_state.hpp"
#include "wire/result_record.hpp"
#include "wire/result_tuple.hpp"

#include <functional>
#include <span>
#include <string>

namespace lovage::detail {

[[nodiscard]] result_tree tree_of(wire::result_tuple const& from);
[[nodiscard]] wire::result_tuple tuple_of(result_tree const& from);

/// What a task has called, by its record.
[[nodiscard]] std::vector<result_tree> children_of(wire::result_record const& r);

/// "step 2 of 3, <id>": the first step of the workflow that ended badly; empty when there is but one step, or none did.
[[nodiscard]] std::string failed_step(result_tree const& of, app_state& app);

/// Throws `task_failed` or `error` when the status is a failure.
void raise_failure(task_status const& status, result_tree const& of, app_state& app);

/// Calls `on_change` with the place in `ids` and the newest status, for every change, until all are ready, it returns
/// false, or the deadline passes. Returns how many are ready. Throws `error`.
std::size_t follow(app_state& app, std::span<task_id const> ids,
                   std::function<bool(std::size_t, task_status const&)> const& on_change, deadline until);

}  // namespace lovage::detail
