// From a C++ callable to an entry of the plug-in boundary; used by plug-ins and by tasks in one's own main alike.
#pragma once

#include <lovage/bound.hpp>
#include <lovage/limits.hpp>
#include <lovage/periodic_values.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>

namespace lovage {

/// Where tasks get their bodies. A plug-in is handed one; `app.tasks()` is another.
class library {
 public:
  explicit library(lovage_registry const* registry) : registry_{registry} {}

  /// Gives a declared task its body: anything callable with (A...) or (context&, A...).
  /// A name that is defined twice is an error when the plug-in is loaded (or here, in one's own program).
  template <class R, class... A, class Body>
  void define(task<R(A...)> const& declaration, Body body, limits with = {}) {
    using bound = typename detail::binding<task<R(A...)>, Body>::type;
    constexpr bool plain = std::invocable<Body&, std::remove_cvref_t<A>&&...>;
    static_assert(plain || bound::takes_context,
                  "lovage: the body cannot be called with the task's parameters (nor with context& before them)");
    if constexpr (plain || bound::takes_context) {
      std::string const types[]{type_name<std::remove_cvref_t<A>>()..., detail::result_name<R>()};
      auto const spec = detail::pack_spec(declaration.parameters(), types, with.options());
      auto body_of = std::make_unique<bound>(declaration, std::move(body), std::move(with));
      add(declaration.name(), spec, &bound::run, body_of.release(), &bound::destroy);
    }
  }

  /// Gives remote control a command of one's own, `lovage control NAME key=value`: anything callable with a
  /// `value::map` of the arguments that returns something a `value` is made of. An exception is the answer
  /// {"error": text}. A name that is taken is an error when the plug-in is loaded.
  ///
  ///     lib.command("cache_clear", [](lovage::value::map) { return lovage::value::map{{"ok", "cleared"}}; });
  ///
  /// *Threads*: runs on one thread of the worker's own process, not in a pool child; others wait meanwhile.
  template <class Body>
  void command(char const* name, Body body) {
    static_assert(std::is_constructible_v<value, std::invoke_result_t<Body&, value::map>>,
                  "lovage: a command takes a value::map and returns a value");
    using bound = detail::bound_command<Body>;
    static constexpr auto known = offsetof(lovage_registry, add_command) + sizeof(registry_->add_command);
    if (!knows(known, "commands of one's own")) return;
    auto body_of = std::make_unique<bound>(bound{std::move(body)});
    lovage_command_entry const entry{sizeof(lovage_command_entry), name, &bound::run, body_of.release(),
                                     &bound::destroy};
    registry_->add_command(registry_->self, &entry);
  }

  /// A periodic task, for schedulers that load the plug-in: `lovage beat -A ./libtasks.so`. When it runs is text, as
  /// the command line and the configuration have it, or a time between two runs.
  ///
  ///     lib.periodic("nightly", "0 4 * * mon-fri Europe/Berlin", shop::report.s("eu"));
  ///     lib.periodic("poll", 90s, shop::poll.s(), lovage::periodic_options{}.overlap(lovage::overlap::skip));
  ///
  /// A name that is given twice is an error when the plug-in is loaded, a schedule that cannot be when the scheduler
  /// starts.
  template <class R>
  void periodic(std::string const& name, std::string const& when, signature<R()> call,
                periodic_options const& with = {}) {
    add_periodic(name, detail::periodic_spec(when, std::move(call).raw(), with));
  }
  template <class R>
  void periodic(std::string const& name, std::chrono::duration<double> each, signature<R()> call,
                periodic_options const& with = {}) {
    add_periodic(name, detail::periodic_spec(each.count(), std::move(call).raw(), with));
  }

  // Hooks: Celery's signals. What one throws is logged, and costs no task.
  //
  // In the worker's own process, with facts {"hostname": node name}: before its pool starts, once it takes tasks, when
  // it shuts down.
  void on_worker_init(std::function<void(value::map const&)> f) { hook_facts("worker_init", std::move(f)); }
  void on_worker_ready(std::function<void(value::map const&)> f) { hook_facts("worker_ready", std::move(f)); }
  void on_worker_shutdown(std::function<void(value::map const&)> f) { hook_facts("worker_shutdown", std::move(f)); }
  /// In each child of a prefork pool, before its first task.
  void on_worker_process_init(std::function<void(value::map const&)> f) {
    hook_facts("worker_process_init", std::move(f));
  }
  /// In the worker's own process, on the thread that takes messages in: must not wait. Facts: hostname, id, task.
  void on_task_revoked(std::function<void(value::map const&)> f) { hook_facts("task_revoked", std::move(f)); }
  /// Where the body runs, before it.
  void on_task_prerun(std::function<void(context&)> f) {
    hook("task_prerun", [f = std::move(f)](context& c, value&) { f(c); });
  }
  /// There, after it, whatever came of it: "SUCCESS", "FAILURE", "RETRY", "IGNORED" or "REJECTED".
  void on_task_postrun(std::function<void(context&, std::string const& state)> f) {
    hook("task_postrun", [f = std::move(f)](context& c, value& with) {
      auto const* state = with.find("state");
      auto const* text = state ? state->get_if<std::string>() : nullptr;
      f(c, text ? *text : std::string{});
    });
  }
  void on_task_success(std::function<void(context&, value const& result)> f) {
    hook("task_success", [f = std::move(f)](context& c, value& with) { f(c, with); });
  }
  /// `failure`: type and message, as thrown.
  void on_task_failure(std::function<void(context&, value::map const& failure)> f) {
    hook_details("task_failure", std::move(f));
  }
  /// It will be tried again; `why` may have type and message.
  void on_task_retry(std::function<void(context&, value::map const& why)> f) {
    hook_details("task_retry", std::move(f));
  }

  /// Middleware: runs around the body of every task of the worker, the first one that was added outermost.
  ///
  ///     lib.around([](lovage::context& self, lovage::next_step const& next) {
  ///       span const s{self.name()};
  ///       s.end(next() == LOVAGE_SUCCESS);
  ///     });
  ///
  /// The body's exceptions do not pass through it. *Threads*: the body's; on the coroutine pool the one thread that
  /// opens tasks, on a stack of 256 KiB: `next()` returns when the coroutine has ended, and other tasks are begun and
  /// ended there meanwhile, so it must not block, nor hold a lock over `next()`.
  void around(std::function<void(context&, next_step const&)> f) {
    if (!knows(offsetof(lovage_registry, add_around) + sizeof(registry_->add_around), "hooks")) return;
    auto body = std::make_unique<detail::bound_around>(detail::bound_around{std::move(f)});
    lovage_around_entry const entry{sizeof(lovage_around_entry), &detail::bound_around::run, body.release(),
                                    &detail::bound_around::destroy};
    registry_->add_around(registry_->self, &entry);
  }

 private:
  bool knows(std::size_t size, char const* what) {
    if (registry_->size >= size) return true;
    auto const why = std::string{"this worker is too old for "} + what;
    registry_->fail(registry_->self, why.data(), why.size());
    return false;
  }
  void add_periodic(std::string const& name, value const& spec) {
    if (!knows(offsetof(lovage_registry, add_periodic) + sizeof(registry_->add_periodic), "periodic tasks")) return;
    auto const packed = pack(spec);
    lovage_periodic_entry const entry{sizeof(lovage_periodic_entry), name.c_str(), packed.data(), packed.size()};
    registry_->add_periodic(registry_->self, &entry);
  }
  void hook(char const* signal, detail::bound_hook::function f) {
    if (!knows(offsetof(lovage_registry, add_hook) + sizeof(registry_->add_hook), "hooks")) return;
    auto body = std::make_unique<detail::bound_hook>(detail::bound_hook{signal, std::move(f)});
    lovage_hook_entry const entry{sizeof(lovage_hook_entry), signal, &detail::bound_hook::run, body.release(),
                                  &detail::bound_hook::destroy};
    registry_->add_hook(registry_->self, &entry);
  }
  void hook_details(char const* signal, std::function<void(context&, value::map const&)> f) {
    hook(signal, [f = std::move(f)](context& c, value& with) {
      auto const* details = with.get_if<value::map>();
      f(c, details ? *details : value::map{});
    });
  }
  void hook_facts(char const* signal, std::function<void(value::map const&)> f) {
    hook_details(signal, [f = std::move(f)](context&, value::map const& facts) { f(facts); });
  }
  void add(char const* name, std::string const& spec, lovage_run_fn run, void* body, void (*destroy)(void*)) {
    lovage_task_entry const entry{sizeof(lovage_task_entry), name, spec.data(), spec.size(), run, body, destroy};
    registry_->add(registry_->self, &entry);
  }
  lovage_registry const* registry_;
};

inline retry_later& retry_later::because(std::exception const& e) {
  return because(detail::exception_type(e), e.what());
}

}  // namespace lovage
