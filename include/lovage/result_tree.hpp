// Which tasks a workflow is made of: what `send` knows of it, Celery's `as_tuple()`.
#pragma once

#include <lovage/types.hpp>

#include <string>
#include <vector>

namespace lovage {

/// The last task of a workflow, or a group; before it in `parent` what came before.
struct result_tree {
  std::string id;                    ///< of a task, or of a group
  std::vector<result_tree> parent;   ///< none or one
  bool is_group = false;             ///< `members` are its tasks; there may be none
  std::vector<result_tree> members;  ///< in their order
  friend bool operator==(result_tree const&, result_tree const&) = default;
};

namespace detail {

inline void collect_task_ids(result_tree const& of, std::vector<task_id>& out) {
  for (auto const& before : of.parent) collect_task_ids(before, out);
  for (auto const& member : of.members) collect_task_ids(member, out);
  if (!of.is_group) out.emplace_back(of.id);
}

}  // namespace detail

/// Ids of all its tasks, first steps first.
[[nodiscard]] inline std::vector<task_id> task_ids(result_tree const& of) {
  std::vector<task_id> out;
  detail::collect_task_ids(of, out);
  return out;
}

}  // namespace lovage
