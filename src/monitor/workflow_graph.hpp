// A workflow as a drawing has it: tasks, groups and chords, and what waits for what. Pure.
#pragma once

#include "monitor/task_record.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lovage::monitor {

struct graph_node {
  /// `task`; `group`, which stands for all its members and before them; `more`, tasks that are alike and too many to be
  /// drawn; `body`, of a chord whose header has not ended: nothing is known of it but its id.
  enum class kind_of : std::uint8_t { task, group, more, body };

  std::string id;
  std::string name;   ///< of several tasks the one that they share; may be empty
  std::string state;  ///< of several tasks the one that most needs a look
  kind_of kind = kind_of::task;
  std::string group = {}, parent = {};             ///< of a task; of those that `more` stands for, where it is one
  std::map<std::string, std::size_t> states = {};  ///< how many tasks have which, for `group` and `more`
  std::size_t count = 1;
};
/// "task", "group", "more", "body".
[[nodiscard]] char const* to_string(graph_node::kind_of k) noexcept;

struct workflow_graph {
  std::vector<graph_node> nodes;
  std::vector<std::pair<std::string, std::string>> edges;  ///< ids of nodes; the second waits for the first
};

inline constexpr std::size_t most_alike = 12, drawn_alike = 8;

/// Of more than `most_alike` tasks of one group, or of one name and parent, `drawn_alike` stand for themselves: those
/// that failed, then the oldest. What is called once a group has ended (`task_record::chord`) waits for all members of
/// it, not for its parent alone, which is the one that ended last.
[[nodiscard]] workflow_graph graph_of(std::vector<task_record> const& tasks);

}  // namespace lovage::monitor
