#include "app/call_face.hpp"

#include "app/retry.hpp"
#include "app/task_options.hpp"

#include <lovage/unpack.hpp>

namespace lovage::calls {
namespace {

void no_finish(void*, int, char const*, std::size_t) {}

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

invoke_host& host_of(void* handle) { return static_cast<any_call*>(handle)->host; }

}  // namespace

void on_state(void* handle, char const* state, std::size_t state_size, char const* meta, std::size_t meta_size) {
  guarded([&] { host_of(handle).update_state({state, state_size}, {meta, meta_size}); });
}

void on_event(void* handle, char const* type, std::size_t type_size, char const* fields, std::size_t fields_size) {
  guarded([&] { host_of(handle).send_event({type, type_size}, {fields, fields_size}); });
}

int on_stop(void* handle) { return host_of(handle).stop_requested(); }

void on_log(void* handle, int level, char const* text, std::size_t size) {
  guarded([&] { host_of(handle).log(level, {text, size}); });
}

int refuse_to_detach(void*, void (*)(void*), void*) { return 0; }
void ignore_driver(void*, post_function, void*) {}

constinit lovage_host const hook_face{sizeof(lovage_host), &no_finish, &on_state,     &on_stop, &on_log,
                                      &refuse_to_detach,   &on_event,  &ignore_driver};

bool hears_of_ends(hook_table const& hooks) noexcept {
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

outcome no_outcome() { return failure_outcome("RuntimeError", "the task's body ended without an outcome"); }

}  // namespace lovage::calls
