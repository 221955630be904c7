// The tasks of this process: entries that came through the plug-in boundary.
#pragma once

#include "app/hooks.hpp"

#include <lovage/abi.h>
#include <lovage/app.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lovage {

struct task_entry {
  std::string name;
  value::map spec;  ///< params, returns, and the limits that were set
  lovage_run_fn run = nullptr;
  void* body = nullptr;
  void (*destroy)(void*) = nullptr;
  std::string source;
};

/// A command of remote control that a plug-in brought.
struct own_command {
  std::string name;
  lovage_command_entry entry{};
  std::string source;
};

/// A periodic task that a plug-in brought, as the setting `beat_schedule` would have it.
struct own_periodic {
  std::string name;
  value spec;
  std::string source;
};

/// *Threads*: written before a worker runs, read by any.
class task_registry::impl {
 public:
  impl();
  ~impl();
  impl(impl const&) = delete;
  impl& operator=(impl const&) = delete;

  /// One that was defined, else one of Celery's own that every worker knows.
  [[nodiscard]] task_entry const* find(std::string_view name) const noexcept;
  /// Those that were defined.
  [[nodiscard]] std::map<std::string, task_entry, std::less<>> const& entries() const noexcept { return entries_; }

  /// `task_annotations`: options of tasks that are added from now on, by name and "*".
  void annotate(value::map annotations) { annotations_ = std::move(annotations); }

  [[nodiscard]] own_command const* find_command(std::string_view name) const noexcept;
  /// Runs it. Error `task_failed` with the text that it gave.
  [[nodiscard]] static expected<value> run(own_command const& command, value::map const& arguments);
  [[nodiscard]] hook_table const& hooks() const noexcept { return hooks_; }
  /// In the order in which they came.
  [[nodiscard]] std::vector<own_periodic> const& periodic() const noexcept { return periodic_; }

  /// The C face handed to definitions; errors are kept until `finish`.
  [[nodiscard]] lovage_registry const* begin(std::string source);
  /// The first error since `begin`, or nothing.
  [[nodiscard]] std::string finish();

 private:
  static void add(void* self, lovage_task_entry const* entry);
  static void fail(void* self, char const* text, std::size_t size);
  static void add_hook(void* self, lovage_hook_entry const* entry);
  static void add_around(void* self, lovage_around_entry const* entry);
  void insert(lovage_task_entry const& entry);
  static void add_command(void* self, lovage_command_entry const* entry);
  static void add_periodic(void* self, lovage_periodic_entry const* entry);

  std::map<std::string, task_entry, std::less<>> entries_;
  std::map<std::string, task_entry, std::less<>> const builtin_;
  std::map<std::string, own_command, std::less<>> commands_;
  std::vector<own_periodic> periodic_;
  hook_table hooks_;
  value::map annotations_;
  std::string source_, error_;
  lovage_registry face_{};
};

}  // namespace lovage
