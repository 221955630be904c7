// A workflow in one shape, whatever containers it was written with:
//
//     task, task, ... , then at most one fan:   group [ member, member, ... ]
//                                               chord [ member, member, ... ] -> body
//
// where members and bodies are workflows again. A group that something follows is a chord; what follows a chord is the
// end of its body; a chain inside a chain is its steps; chunks are a group.
#pragma once

#include "wire/result_tuple.hpp"
#include "wire/signature.hpp"

#include <lovage/expected.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lovage::detail {

struct canvas_fan;

/// Without tasks and fan: nothing to do. A value that moves.
struct canvas_tree {
  std::vector<wire::signature> tasks;
  std::unique_ptr<canvas_fan> fan;

  [[nodiscard]] bool empty() const noexcept { return tasks.empty() && !fan; }
  [[nodiscard]] bool ends_in_group() const noexcept;
};

struct canvas_fan {
  std::string group;                 ///< its id; empty until it is frozen
  std::vector<canvas_tree> members;  ///< none is empty; of a chord, each ends in one task
  bool chord = false;                ///< it has a body
  canvas_tree body;
  bool by_reference = false;  ///< the body is kept in the backend, and the members carry only its name
};

/// A key of a chord's body that makes the chord a batch: it ends in order whatever became of its members. A map of
/// on_success and on_failure, lists of what is called with the body's result.
inline constexpr char const* batch_key = "lovage_batch";

/// *On failure*: `decode`, as `signature::from_value`.
[[nodiscard]] expected<canvas_tree> canvas_of(wire::signature s);
[[nodiscard]] expected<canvas_tree> canvas_of(value const& signature);
/// What is left of a chain as messages carry it: reversed.
[[nodiscard]] expected<canvas_tree> canvas_of_chain(value::list const& reversed);

/// `b` comes after `a`.
[[nodiscard]] canvas_tree joined(canvas_tree a, canvas_tree b);
/// So that it ends in one task: a group at its end is collected into the list of its results.
void end_in_one_task(canvas_tree& c);
/// What its first tasks are called with, in front of their own arguments.
void feed(canvas_tree& c, value::list const& args);

/// Makes one id after the other.
using id_source = std::function<std::string()>;
[[nodiscard]] id_source fresh_ids();
/// The same ones each time a task runs, whatever worker it runs on.
[[nodiscard]] id_source ids_after(task_id const& task);
/// Gives an id to whatever has none, and members their place in their group. `reply_to`: who waits, for `rpc://`.
void freeze(canvas_tree& c, std::string const& reply_to, id_source const& next_id = fresh_ids());
/// Of one that is frozen.
[[nodiscard]] wire::result_tuple handle_of(canvas_tree const& c);

/// The task whose end is the end of the whole; null where that is a group, or nothing.
[[nodiscard]] wire::signature* last_task(canvas_tree& c);
[[nodiscard]] wire::signature const* last_task(canvas_tree const& c);
/// Those that begin at once.
void for_first_tasks(canvas_tree& c, std::function<void(wire::signature&)> const& f);
void for_all_tasks(canvas_tree& c, std::function<void(wire::signature&)> const& f);

/// For options `link` and `link_error`: one signature or a list of them, behind those that are there.
void add_calls(wire::signature& to, char const* option, value more);

}  // namespace lovage::detail
