// What bodies, hooks and middleware see of a call through the C boundary, whether it waits for its end or goes on.
#pragma once

#include "app/hooks.hpp"
#include "app/invoke.hpp"

#include <string_view>
#include <vector>

namespace lovage::calls {

/// What every handle that a body is given begins with.
struct any_call {
  invoke_host& host;
};

// The functions of a `lovage_host` that every call has.
void on_state(void* handle, char const* state, std::size_t state_size, char const* meta, std::size_t meta_size);
void on_event(void* handle, char const* type, std::size_t type_size, char const* fields, std::size_t fields_size);
int on_stop(void* handle);
void on_log(void* handle, int level, char const* text, std::size_t size);
int refuse_to_detach(void* handle, void (*stop)(void*), void* self);
void ignore_driver(void* handle, post_function post, void* self);

/// What hooks and middleware see: they do not end a call.
extern lovage_host const hook_face;

/// Nothing may escape into the plug-in's frames; what fails here is memory, and the call then counts as failed.
template <class F>
void guarded(F&& f) noexcept {
  try {
    f();
  } catch (...) {
  }
}

/// The wrappers from `next` on, then the body; each runs once, however often it is asked to. `body()` gives how it
/// ended.
template <class Body>
struct chain {
  std::vector<lovage_around_entry> const& arounds;
  any_call& call;
  std::string_view request;
  Body body;
  std::size_t next = 0;
  bool ran = false;
  int kind = LOVAGE_FAILURE;

  static int step(void* rest) {
    auto& me = *static_cast<chain*>(rest);
    auto const at = me.next++;
    if (at < me.arounds.size()) {
      auto const& a = me.arounds[at];
      a.run(a.body, &hook_face, &me.call, me.request.data(), me.request.size(), &chain::step, &me);
    }
    if (!me.ran) {
      me.ran = true;
      me.kind = me.body();
    }
    return me.kind;
  }
};

/// Whether somebody hears how tasks end.
[[nodiscard]] bool hears_of_ends(hook_table const& hooks) noexcept;
void tell_end(task_entry const& entry, hook_table const& hooks, hook_call const& of, outcome const& end);

[[nodiscard]] outcome no_outcome();

}  // namespace lovage::calls
