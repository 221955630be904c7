#include "app/invoke.hpp"

#include <lovage/pack.hpp>

#include <atomic>

namespace lovage {
namespace {

// What every handle that a body is given begins with.
struct any_call {
  invoke_host& host;
};

struct call : any_call {
  explicit call(invoke_host& h) : any_call{h} {}
  outcome end;
  bool finished = false;
};

// Lives until both the body's `run` has returned and the call was finished, whichever is last.
struct open_call : any_call {
  explicit open_call(std::shared_ptr<open_host> h) : any_call{*h}, owner{std::move(h)} {}
  void drop() noexcept {
    if (--holders == 0) delete this;
  }
  std::shared_ptr<open_host> owner;
  std::atomic<bool> detached{false}, finished{false};
  std::atomic<int> holders{2};
};

call& closed_call_of(void* handle) { return *static_cast<call*>(static_cast<any_call*>(handle)); }
open_call& open_call_of(void* handle) { return *static_cast<open_call*>(static_cast<any_call*>(handle)); }

// Nothing may escape into the plug-in's frames; what fails here is memory, and the call then counts as failed.
template <class F>
void guarded(F&& f) noexcept {
  try {
    f();
  } catch (...) {
  }
}

void on_finish(void* handle, int kind, char const* data, std::size_t size) {
  auto& c = closed_call_of(handle);
  if (c.finished) return;
  guarded([&] {
    c.end.data.assign(data, size);
    c.end.kind = static_cast<lovage_outcome>(kind);
    c.finished = true;
  });
}

void on_open_finish(void* handle, int kind, char const* data, std::size_t size) {
  auto& c = open_call_of(handle);
  if (c.finished.exchange(true)) return;
  guarded([&] { c.owner->finish({static_cast<lovage_outcome>(kind), std::string{data, size}}); });
  c.drop();
}

void on_state(void* handle, char const* state, std::size_t state_size, char const* meta, std::size_t meta_size) {
  guarded([&] { static_cast<any_call*>(handle)->host.update_state({state, state_size}, {meta, meta_size}); });
}

int on_stop(void* handle) { return static_cast<any_call*>(handle)->host.stop_requested(); }

void on_log(void* handle, int level, char const* text, std::size_t size) {
  guarded([&] { static_cast<any_call*>(handle)->host.log(level, {text, size}); });
}

int refuse_to_detach(void*, void (*)(void*), void*) { return 0; }

int on_detach(void* handle, void (*stop)(void*), void* self) {
  auto& c = open_call_of(handle);
  c.detached = true;
  if (stop != nullptr) guarded([&] { c.owner->when_stopped([stop, self] { stop(self); }); });
  return 1;
}

constexpr lovage_host host_face{sizeof(lovage_host), &on_finish, &on_state, &on_stop, &on_log, &refuse_to_detach};
constexpr lovage_host open_face{sizeof(lovage_host), &on_open_finish, &on_state, &on_stop, &on_log, &on_detach};

outcome no_outcome() { return failure_outcome("RuntimeError", "the task's body ended without an outcome"); }

}  // namespace

outcome failure_outcome(std::string type, std::string message) {
  return {LOVAGE_FAILURE, pack(value::map{{"type", std::move(type)}, {"message", std::move(message)}})};
}

outcome invoke(task_entry const& entry, std::string_view request, std::string_view arguments, invoke_host& host) {
  call c{host};
  any_call* const handle = &c;
  entry.run(entry.body, &host_face, handle, request.data(), request.size(), arguments.data(), arguments.size());
  if (!c.finished) return no_outcome();
  return std::move(c.end);
}

void invoke_open(task_entry const& entry, std::string_view request, std::string_view arguments,
                 std::shared_ptr<open_host> host) {
  auto* const c = new open_call{std::move(host)};
  any_call* const handle = c;
  entry.run(entry.body, &open_face, handle, request.data(), request.size(), arguments.data(), arguments.size());
  if (!c->detached && !c->finished.exchange(true)) {
    c->owner->finish(no_outcome());
    c->drop();
  }
  c->drop();
}

}  // namespace lovage
