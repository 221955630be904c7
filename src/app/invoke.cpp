#include "app/invoke.hpp"

#include <lovage/pack.hpp>

namespace lovage {
namespace {

struct call {
  invoke_host& host;
  outcome end;
  bool finished = false;
};

// Nothing may escape into the plug-in's frames; what fails here is memory, and the call then counts as failed.
template <class F>
void guarded(F&& f) noexcept {
  try {
    f();
  } catch (...) {
  }
}

void on_finish(void* handle, int kind, char const* data, std::size_t size) {
  auto& c = *static_cast<call*>(handle);
  if (c.finished) return;
  guarded([&] {
    c.end.data.assign(data, size);
    c.end.kind = static_cast<lovage_outcome>(kind);
    c.finished = true;
  });
}

void on_state(void* handle, char const* state, std::size_t state_size, char const* meta, std::size_t meta_size) {
  guarded([&] { static_cast<call*>(handle)->host.update_state({state, state_size}, {meta, meta_size}); });
}

int on_stop(void* handle) { return static_cast<call*>(handle)->host.stop_requested(); }

void on_log(void* handle, int level, char const* text, std::size_t size) {
  guarded([&] { static_cast<call*>(handle)->host.log(level, {text, size}); });
}

constexpr lovage_host host_face{sizeof(lovage_host), &on_finish, &on_state, &on_stop, &on_log};

}  // namespace

outcome failure_outcome(std::string type, std::string message) {
  return {LOVAGE_FAILURE, pack(value::map{{"type", std::move(type)}, {"message", std::move(message)}})};
}

outcome invoke(task_entry const& entry, std::string_view request, std::string_view arguments, invoke_host& host) {
  call c{host, {}, false};
  entry.run(entry.body, &host_face, &c, request.data(), request.size(), arguments.data(), arguments.size());
  if (!c.finished) return failure_outcome("RuntimeError", "the task's body ended without an outcome");
  return std::move(c.end);
}

}  // namespace lovage
