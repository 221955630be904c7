// A task as a node of a named workflow (app/workflow_graph.hpp).
#pragma once

#include "app/canvas_tree.hpp"
#include "execute/request.hpp"

#include <string_view>
#include <vector>

namespace lovage::execute {

/// After success: what it is a part of, each to be counted.
void add_node_parts(request const& r, value const& result, policy const& with, std::vector<ended_part>& out);

/// It failed, but its node is to be tried again: sends it once more. False when it is no node, or its tries are used
/// up.
[[nodiscard]] bool retry_node(request const& r, policy const& with, std::string_view why, time_point now, effects& out);

/// It failed for good, and so did the workflow, which can be resumed. `failed`: its record.
void fail_workflow(request const& r, wire::result_record const& failed, policy const& with, effects& out);

/// `c` goes on in its place, if it is a node: a task of `c` that fails fails the workflow, and the nodes that wait for
/// this one wait for the last task. *Requires*: `c` ends in one task.
void hand_on_node(request const& r, detail::canvas_tree& c);

}  // namespace lovage::execute
