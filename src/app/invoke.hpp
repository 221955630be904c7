// Running one task body through the C boundary.
#pragma once

#include "app/registry.hpp"

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
  [[nodiscard]] virtual bool stop_requested() const noexcept = 0;
  virtual void log(int level, std::string_view text) = 0;
};

/// Calls the body; returns when it ended. Never throws but for memory.
[[nodiscard]] outcome invoke(task_entry const& entry, std::string_view request, std::string_view arguments,
                             invoke_host& host);

/// The same with hooks told and middleware around it. What hooks do wrong does not change the outcome.
[[nodiscard]] outcome invoke(task_entry const& entry, hook_table const& hooks, std::string_view request,
                             std::string_view arguments, invoke_host& host);

/// A FAILURE outcome made by lovage itself.
[[nodiscard]] outcome failure_outcome(std::string type, std::string message);

}  // namespace lovage
