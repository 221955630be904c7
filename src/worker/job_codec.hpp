// The bytes between the worker and its pool: a job out, messages and an outcome back.
#pragma once

#include "app/invoke.hpp"
#include "pool/pool.hpp"

#include <lovage/value.hpp>

#include <string>
#include <string_view>

namespace lovage::work {

struct packed_job {
  std::uint64_t job = 0;
  std::string_view task, id, request, arguments;
};

[[nodiscard]] std::string write_job(packed_job const& job);
/// Views into `payload`. Throws `error{decode}` on bytes that write_job did not make.
[[nodiscard]] packed_job read_job(std::string_view payload);

[[nodiscard]] std::string write_outcome(outcome const& end);
[[nodiscard]] outcome read_outcome(std::string_view bytes);

/// What a running task says: a state of its own, or an event for monitors.
struct task_notice {
  enum class kind { state, event };
  kind what = kind::state;
  std::string name;  ///< the state, or the event's type
  value data;
};
[[nodiscard]] std::string write_notice(task_notice::kind what, std::string_view name, std::string_view packed_data);
/// Throws `error{decode}` on bytes that write_notice did not make.
[[nodiscard]] task_notice read_notice(std::string_view bytes);

/// What runs in a pool's thread or child. `on_start` is called with the job's number before its body.
[[nodiscard]] pool::runner make_runner(task_registry::impl const& tasks, std::function<void(std::uint64_t)> on_start);
/// The same for tasks that go on when their body's function has returned; plain ones end within.
[[nodiscard]] pool::opener make_opener(task_registry::impl const& tasks, std::function<void(std::uint64_t)> on_start);

}  // namespace lovage::work
