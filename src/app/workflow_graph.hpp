// Named workflows as they are kept and sent.
//
// A node that waits for others is a chord of its own: the backend keeps its call as the body, and each of the others is
// a part of it. Messages of nodes say in a header whose parts they are; what counts them, counts them as parts of
// chords. The end of the whole is a node too, under the workflow's id.
#pragma once

#include "app/app_state.hpp"
#include "backend/chord.hpp"

#include <lovage/workflow.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace lovage::detail {

/// The header of a node's message.
inline constexpr char const* node_header = "lovage_workflow";
/// A key of a body's signature: which parts' results are put in front of its arguments, by their place. Without it, as
/// in every other chord, all of them are one list.
inline constexpr char const* inputs_key = "lovage_inputs";
/// Its document is a result of this state, under the workflow's id with this behind it.
inline constexpr char const* document_state = "WORKFLOW";
inline constexpr char const* document_suffix = ".graph";
/// The task that ends a workflow.
inline constexpr char const* workflow_end_task = "lovage.workflow_end";

/// What the header says.
struct node_place {
  struct part {
    std::string group;
    std::int64_t index = 0;
  };
  std::string workflow, node;
  std::vector<part> parts;  ///< of the nodes that wait for this one
  std::int64_t retries = 0, tried = 0;
  double retry_delay_s = 0;

  [[nodiscard]] value to_value() const;
  /// Among the headers that a call's options give its message.
  void put_into(value::map& options) const;
  /// Of a message's headers; nothing when it is no node of a workflow.
  [[nodiscard]] static std::optional<node_place> of(value::map const& headers);
};

/// A workflow as data, from which it is sent, resumed and drawn.
struct graph_document {
  struct node {
    std::string name;
    value signature;
    std::vector<std::string> needs;    ///< names, each once; those whose results it takes are among them
    std::vector<std::int64_t> inputs;  ///< which of `needs` are its arguments, in their order
    std::int64_t retries = 0;
    double retry_delay_s = 0;
  };
  std::string id, name;
  std::vector<node> nodes;

  /// *On failure*: `invalid_argument` for nodes that wait for each other, and for a workflow without nodes.
  [[nodiscard]] static expected<graph_document> of(workflow const& flow, std::string id);
  [[nodiscard]] value to_value() const;
  /// *On failure*: `decode`.
  [[nodiscard]] static expected<graph_document> from_value(value const& v);

  [[nodiscard]] std::string id_of(std::string const& node) const { return id + '.' + node; }
  /// The call of a node with its header, as a signature that still misses its inputs.
  [[nodiscard]] value call_of(node const& n) const;
  /// All that wait for something, and the end.
  [[nodiscard]] std::vector<backend::chord_start> chords() const;
  /// Nodes that nobody waits for.
  [[nodiscard]] std::vector<std::string> ends() const;
};

}  // namespace lovage::detail
