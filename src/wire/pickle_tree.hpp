// What a pickle says, without doing any of it: its opcodes are a program for a machine with a stack, whose result is
// written down here as a tree. Nothing is imported, nothing is called.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::wire {

struct pickle_node {
  enum class kind {
    scalar,
    list,
    tuple,
    set,
    dict,    ///< members: key, value, key, value, ...
    global,  ///< a class or function by its name
    object   ///< `callee` called with `arguments`
  };
  kind is = kind::scalar;
  value scalar = {};
  std::vector<pickle_node*> members = {};  ///< of an object: what was appended, or set as in a dict
  std::string module = {}, name = {};      ///< of a global
  pickle_node* callee = nullptr;           ///< of an object
  pickle_node* arguments = nullptr;        ///< a tuple
  pickle_node* state = nullptr;            ///< what `__setstate__` would be given
};

/// Nodes may be members of several others, and of themselves.
struct pickle_tree {
  std::deque<pickle_node> nodes;
  pickle_node* root = nullptr;
};

/// Protocols 0 to 5. *On failure*: `decode` with where "pickle, byte 17"; `not_supported` for what lies outside the
/// pickle (persistent ids, registered extensions, buffers).
[[nodiscard]] expected<pickle_tree> read_pickle(std::string_view data);

}  // namespace lovage::wire
