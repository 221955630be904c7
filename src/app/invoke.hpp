// Running one task body through the C boundary.
#pragma once

#include "app/registry.hpp"
#include "core/fiber.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lovage {

/// How a call ended, as the body reported it (see abi.h for `data`).
struct outcome {
  lovage_outcome kind = LOVAGE_FAILURE;
  std::string data;
};

/// What the running body reaches of the world.
class invoke_host {
 public:
  virtual ~invoke_host() = default;
  virtual void update_state(std::string_view state, std::string_view packed_meta) = 0;
  virtual void send_event(std::string_view type, std::string_view packed_fields) = 0;
  /// Why the task should end, as `lovage_host::stop_requested`; 0: it need not.
  [[nodiscard]] virtual int stop_requested() const noexcept = 0;
  virtual void log(int level, std::string_view text) = 0;
};

/// As `lovage_host::driven_by` is given it.
using post_function = int (*)(void* self, void (*run)(void* with), void* with);

/// What a call reaches that may go on when the body's function has returned. *Threads*: any.
class open_host : public invoke_host {
 public:
  /// How the call ended; exactly once.
  virtual void finish(outcome end) = 0;
  /// `stop` is to be called when the task should end early: see `lovage_host::detach`.
  virtual void when_stopped(std::function<void()> stop) = 0;
  /// Runs `f` in the thread that opens calls, once that has time; false: there is none any more.
  virtual bool on_opener(std::function<void()> f) = 0;
  /// What turns it, see `lovage_host::driven_by`.
  virtual void driven_by(post_function post, void* self) = 0;
};

/// Calls the body; returns when it ended. Never throws but for memory.
[[nodiscard]] outcome invoke(task_entry const& entry, std::string_view request, std::string_view arguments,
                             invoke_host& host);

/// The same with hooks told and middleware around it. What hooks do wrong does not change the outcome.
[[nodiscard]] outcome invoke(task_entry const& entry, hook_table const& hooks, std::string_view request,
                             std::string_view arguments, invoke_host& host);

/// As above, but the call ends by `host->finish`, before or after this returns. Middleware waits on one of the stacks
/// until the body has ended. *Lifetime*: entry and hooks until then.
void invoke_open(task_entry const& entry, hook_table const& hooks, std::string_view request, std::string_view arguments,
                 std::shared_ptr<open_host> host, std::shared_ptr<fiber_stacks> const& stacks);

/// A FAILURE outcome made by lovage itself.
[[nodiscard]] outcome failure_outcome(std::string type, std::string message);

}  // namespace lovage
