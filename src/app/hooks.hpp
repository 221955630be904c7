// Who hears of Celery's signals here, and what runs around bodies: entries that came through the plug-in boundary.
#pragma once

#include <lovage/abi.h>
#include <lovage/value.hpp>

#include <array>
#include <string_view>
#include <vector>

namespace lovage {

enum class signal {
  worker_init,
  worker_ready,
  worker_shutdown,
  worker_process_init,
  task_prerun,
  task_postrun,
  task_success,
  task_failure,
  task_retry,
  task_revoked,
};

/// A running task as hooks see it.
struct hook_call {
  lovage_host const* host;
  void* call;
  std::string_view request;
};

/// *Threads*: filled before a worker runs, called by any.
class hook_table {
 public:
  hook_table() = default;
  ~hook_table();
  hook_table(hook_table const&) = delete;
  hook_table& operator=(hook_table const&) = delete;

  /// Takes over the body. A signal of another name is passed over.
  void add(lovage_hook_entry const& entry);
  void add(lovage_around_entry const& entry) { arounds_.push_back(entry); }

  [[nodiscard]] bool empty(signal s) const noexcept { return hooks_[index(s)].empty(); }
  /// For signals of a running task.
  void tell(signal s, hook_call const& of, std::string_view packed) const;
  /// For the others.
  void tell(signal s, value::map facts) const;

  [[nodiscard]] std::vector<lovage_around_entry> const& arounds() const noexcept { return arounds_; }

 private:
  static std::size_t index(signal s) noexcept { return static_cast<std::size_t>(s); }
  static constexpr std::size_t count = static_cast<std::size_t>(signal::task_revoked) + 1;
  std::array<std::vector<lovage_hook_entry>, count> hooks_;
  std::vector<lovage_around_entry> arounds_;
};

}  // namespace lovage
