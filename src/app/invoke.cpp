#include "app/invoke.hpp"

#include "app/retry.hpp"
#include "app/task_options.hpp"

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
  void drop(int by) noexcept {
    if (holders.fetch_sub(by) == by) delete this;
  }
  std::shared_ptr<open_host> owner;
  std::atomic<bool> detached{false}, finished{false};
  std::atomic<int> holders{2};
};

void* handle_of(call& c) { return static_cast<any_call*>(&c); }
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
  c.drop(1);
}

void on_state(void* handle, char const* state, std::size_t state_size, char const* meta, std::size_t meta_size) {
  guarded([&] { static_cast<any_call*>(handle)->host.update_state({state, state_size}, {meta, meta_size}); });
}

void on_event(void* handle, char const* type, std::size_t type_size, char const* fields, std::size_t fields_size) {
  guarded([&] { static_cast<any_call*>(handle)->host.send_event({type, type_size}, {fields, fields_size}); });
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

void no_finish(void*, int, char const*, std::size_t) {}

// What hooks and middleware see: they do not end a call.
constexpr lovage_host hook_face{sizeof(lovage_host), &no_finish, &on_state, &on_stop, &on_log,
                                &refuse_to_detach,   &on_event};
constexpr lovage_host host_face{sizeof(lovage_host), &on_finish, &on_state, &on_stop, &on_log,
                                &refuse_to_detach,   &on_event};
constexpr lovage_host open_face{sizeof(lovage_host), &on_open_finish, &on_state, &on_stop, &on_log,
                                &on_detach,          &on_event};

outcome no_outcome() { return failure_outcome("RuntimeError", "the task's body ended without an outcome"); }

}  // namespace

outcome failure_outcome(std::string type, std::string message) {
  return {LOVAGE_FAILURE, pack(value::map{{"type", std::move(type)}, {"message", std::move(message)}})};
}

namespace {

void run_body(task_entry const& entry, call& c, std::string_view request, std::string_view arguments) {
  entry.run(entry.body, &host_face, handle_of(c), request.data(), request.size(), arguments.data(), arguments.size());
  if (!c.finished) c.end = no_outcome();
  c.finished = true;
}

/// The wrappers from `next` on, then the body; each runs once, however often it is asked to.
struct layers {
  task_entry const& entry;
  std::vector<lovage_around_entry> const& arounds;
  call& c;
  std::string_view request, arguments;
  std::size_t next = 0;

  static int step(void* rest) {
    auto& me = *static_cast<layers*>(rest);
    auto const at = me.next++;
    if (at < me.arounds.size()) {
      auto const& a = me.arounds[at];
      a.run(a.body, &hook_face, handle_of(me.c), me.request.data(), me.request.size(), &layers::step, &me);
    }
    if (!me.c.finished) run_body(me.entry, me.c, me.request, me.arguments);
    return me.c.end.kind;
  }
};

std::int64_t retries_of(std::string_view request) {
  try {
    auto const v = unpacker{request}.any();
    auto const* retries = v.find("retries");
    auto const* n = retries ? retries->get_if<std::int64_t>() : nullptr;
    return n ? *n : 0;
  } catch (error const&) {
    return 0;
  }
}

// Whether a failure will be tried again, as the worker decides it.
bool comes_back(task_entry const& entry, std::string_view request, outcome const& end) {
  if (end.kind != LOVAGE_RETRY && end.kind != LOVAGE_FAILURE) return false;
  value details;
  try {
    details = unpacker{end.data}.any();
  } catch (error const&) {
    return false;
  }
  auto const* map = details.get_if<value::map>();
  auto const* flag = details.find("autoretry");
  bool const automatic = flag && flag->get_if<bool>() && *flag->get_if<bool>();
  if (!map || (end.kind == LOVAGE_FAILURE && !automatic)) return false;
  auto const options = task_options::merge({}, entry.spec);
  return plan_retry(options, retries_of(request), *map, automatic, {}, [] { return 0.0; }).again;
}

char const* state_of(outcome const& end, bool again) {
  switch (end.kind) {
    case LOVAGE_SUCCESS: return "SUCCESS";
    case LOVAGE_IGNORED:
    case LOVAGE_REPLACED: return "IGNORED";  // as in Celery, the one in its place says how it ended
    case LOVAGE_REJECTED: return "REJECTED";
    default: return again ? "RETRY" : "FAILURE";
  }
}

bool hears_of_ends(hook_table const& hooks) {
  return !hooks.empty(signal::task_postrun) || !hooks.empty(signal::task_success) ||
         !hooks.empty(signal::task_failure) || !hooks.empty(signal::task_retry);
}

void tell_end(task_entry const& entry, hook_table const& hooks, hook_call const& of, outcome const& end) {
  bool const again = comes_back(entry, of.request, end);
  if (end.kind == LOVAGE_SUCCESS) hooks.tell(signal::task_success, of, end.data);
  if (end.kind == LOVAGE_FAILURE || end.kind == LOVAGE_RETRY)
    hooks.tell(again ? signal::task_retry : signal::task_failure, of, end.data);
  if (!hooks.empty(signal::task_postrun))
    hooks.tell(signal::task_postrun, of, pack(value{value::map{{"state", state_of(end, again)}}}));
}

}  // namespace

outcome invoke(task_entry const& entry, std::string_view request, std::string_view arguments, invoke_host& host) {
  call c{host};
  run_body(entry, c, request, arguments);
  return std::move(c.end);
}

outcome invoke(task_entry const& entry, hook_table const& hooks, std::string_view request, std::string_view arguments,
               invoke_host& host) {
  call c{host};
  hook_call const seen{&hook_face, handle_of(c), request};
  hooks.tell(signal::task_prerun, seen, {});
  layers all{entry, hooks.arounds(), c, request, arguments};
  (void)layers::step(&all);
  if (hears_of_ends(hooks)) tell_end(entry, hooks, seen, c.end);
  return std::move(c.end);
}

void invoke_open(task_entry const& entry, std::string_view request, std::string_view arguments,
                 std::shared_ptr<open_host> host) {
  auto* const c = new open_call{std::move(host)};
  any_call* const handle = c;
  entry.run(entry.body, &open_face, handle, request.data(), request.size(), arguments.data(), arguments.size());
  bool const nobody_will = !c->detached && !c->finished.exchange(true);
  if (nobody_will) c->owner->finish(no_outcome());
  c->drop(nobody_will ? 2 : 1);
}

}  // namespace lovage
