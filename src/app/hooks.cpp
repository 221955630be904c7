#include "app/hooks.hpp"

#include "core/log.hpp"

#include <lovage/pack.hpp>

#include <algorithm>

namespace lovage {
namespace {

constexpr std::array<std::string_view, 10> names{
    "worker_init",  "worker_ready", "worker_shutdown", "worker_process_init", "task_prerun",
    "task_postrun", "task_success", "task_failure",    "task_retry",          "task_revoked",
};

void ignore_finish(void*, int, char const*, std::size_t) {}
void ignore_state(void*, char const*, std::size_t, char const*, std::size_t) {}
int never_stop(void*) { return 0; }
void write_log(void*, int level, char const* text, std::size_t size) {
  log::write(static_cast<log::level>(std::clamp(level, 0, 4)), {text, size});
}

int no_detach(void*, void (*)(void*), void*) { return 0; }
void ignore_event(void*, char const*, std::size_t, char const*, std::size_t) {}
void no_driver(void*, int (*)(void*, void (*)(void*), void*), void*) {}

// Of signals that belong to no task.
constexpr lovage_host nobody{sizeof(lovage_host), &ignore_finish, &ignore_state, &never_stop,
                             &write_log,          &no_detach,     &ignore_event, &no_driver};

}  // namespace

hook_table::~hook_table() {
  for (auto const& list : hooks_)
    for (auto const& h : list)
      if (h.destroy) h.destroy(h.body);
  for (auto const& a : arounds_)
    if (a.destroy) a.destroy(a.body);
}

void hook_table::add(lovage_hook_entry const& entry) {
  auto const at = std::find(names.begin(), names.end(), entry.signal);
  if (at == names.end()) {
    if (entry.destroy) entry.destroy(entry.body);
    return;
  }
  hooks_[static_cast<std::size_t>(at - names.begin())].push_back(entry);
}

void hook_table::tell(signal s, hook_call const& of, std::string_view packed) const {
  for (auto const& h : hooks_[index(s)])
    h.run(h.body, of.host, of.call, of.request.data(), of.request.size(), packed.data(), packed.size());
}

void hook_table::tell(signal s, value::map facts) const {
  if (empty(s)) return;
  tell(s, {&nobody, nullptr, {}}, pack(value{std::move(facts)}));
}

}  // namespace lovage
