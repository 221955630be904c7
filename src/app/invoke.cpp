#include "app/invoke.hpp"

#include "app/call_face.hpp"

#include <lovage/pack.hpp>

namespace lovage {
namespace {

struct closed_call : calls::any_call {
  explicit closed_call(invoke_host& h) : any_call{h} {}
  outcome end;
  bool finished = false;
};

void* handle_of(closed_call& c) { return static_cast<calls::any_call*>(&c); }

void on_finish(void* handle, int kind, char const* data, std::size_t size) {
  auto& c = *static_cast<closed_call*>(static_cast<calls::any_call*>(handle));
  if (c.finished) return;
  calls::guarded([&] {
    c.end.data.assign(data, size);
    c.end.kind = static_cast<lovage_outcome>(kind);
    c.finished = true;
  });
}

constexpr lovage_host closed_face{sizeof(lovage_host), &on_finish,           &calls::on_state,
                                  &calls::on_stop,     &calls::on_log,       &calls::refuse_to_detach,
                                  &calls::on_event,    &calls::ignore_driver};

int run_closed(task_entry const& entry, closed_call& c, std::string_view request, std::string_view arguments) {
  entry.run(entry.body, &closed_face, handle_of(c), request.data(), request.size(), arguments.data(), arguments.size());
  if (!c.finished) c.end = calls::no_outcome();
  c.finished = true;
  return c.end.kind;
}

}  // namespace

outcome failure_outcome(std::string type, std::string message) {
  return {LOVAGE_FAILURE, pack(value::map{{"type", std::move(type)}, {"message", std::move(message)}})};
}

outcome invoke(task_entry const& entry, std::string_view request, std::string_view arguments, invoke_host& host) {
  closed_call c{host};
  (void)run_closed(entry, c, request, arguments);
  return std::move(c.end);
}

outcome invoke(task_entry const& entry, hook_table const& hooks, std::string_view request, std::string_view arguments,
               invoke_host& host) {
  closed_call c{host};
  hook_call const seen{&calls::hook_face, handle_of(c), request};
  hooks.tell(signal::task_prerun, seen, {});
  auto const body = [&] { return run_closed(entry, c, request, arguments); };
  calls::chain<decltype(body)> all{hooks.arounds(), c, request, body};
  (void)all.step(&all);
  if (calls::hears_of_ends(hooks)) calls::tell_end(entry, hooks, seen, c.end);
  return std::move(c.end);
}

}  // namespace lovage
