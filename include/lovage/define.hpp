// From a C++ callable to an entry of the plug-in boundary; used by plug-ins and by tasks in one's own main alike.
#pragma once

#include <lovage/abi.h>
#include <lovage/context.hpp>
#include <lovage/limits.hpp>
#include <lovage/periodic_values.hpp>
#include <lovage/task.hpp>

#include <cxxabi.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <typeinfo>

namespace lovage {
namespace detail {

/// The class name of an exception, readable: "shop::declined".
[[nodiscard]] inline std::string exception_type(std::exception const& e) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> name{abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status),
                                                   &std::free};
  return name ? name.get() : typeid(e).name();
}

/// What an exception was nested in (std::throw_with_nested), outermost first, ten levels at most.
inline void collect_causes(std::exception const& e, value::list& out) {
  if (out.size() == 10) return;
  try {
    std::rethrow_if_nested(e);
  } catch (std::exception const& inner) {
    out.push_back(value::map{{"type", exception_type(inner)}, {"message", inner.what()}});
    collect_causes(inner, out);
  } catch (...) {
    out.push_back(value::map{{"type", "unknown"}, {"message", ""}});
  }
}

/// One running call: its host, and how it ends.
struct running_call {
  lovage_host const* host;
  void* call;

  void finish(lovage_outcome outcome, std::string const& packed) const {
    host->finish(call, outcome, packed.data(), packed.size());
  }
  void finish(lovage_outcome outcome, value::map details) const { finish(outcome, pack(value{std::move(details)})); }
};

[[noreturn]] inline void bad_arguments(std::string_view task, std::string const& what) {
  throw error{errc::invalid_argument, std::string{task} + "() " + what};
}

/// Sorts positional and keyword arguments to parameters: afterwards `slots[i]` holds the bytes of parameter i, or is
/// empty where it was not given and `optional[i]` allows that.
inline void bind_arguments(std::string_view task, std::string_view packed, std::span<char const* const> names,
                           std::span<bool const> optional, std::span<std::string_view> slots) {
  unpacker in{packed};
  if (in.array() != 2) in.fail("arguments are not a pair of list and map");
  auto const given = in.array();
  if (given > slots.size())
    bad_arguments(task,
                  "takes " + std::to_string(slots.size()) + " arguments but " + std::to_string(given) + " were given");
  for (std::size_t i = 0; i < given; ++i) slots[i] = in.raw();
  for (auto n = in.map(); n > 0; --n) {
    auto const key = in.text();
    std::size_t i = 0;
    while (i < names.size() && key != names[i]) ++i;
    if (i == names.size()) bad_arguments(task, "got an unexpected keyword argument '" + std::string{key} + "'");
    if (!slots[i].empty()) bad_arguments(task, "got multiple values for argument '" + std::string{key} + "'");
    slots[i] = in.raw();
  }
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (slots[i].empty() && !optional[i])
      bad_arguments(task, "is missing the argument '" + std::string{names[i]} + "'");
}

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
T read_argument(std::string_view task, char const* name, std::string_view packed) {
  if constexpr (is_optional<T>) {
    if (packed.empty()) return std::nullopt;
  }
  unpacker in{packed};
  try {
    return codec<T>::read(in);
  } catch (error const& e) {
    bad_arguments(task, "argument '" + std::string{name} + "': " + e.info().detail);
  }
}

/// The arguments of a call of this task. Throws `error` that says which one is wrong.
template <class R, class... A>
std::tuple<std::remove_cvref_t<A>...> read_arguments(task<R(A...)> const& of, std::string_view packed) {
  static constexpr std::array<bool, sizeof...(A)> optional{is_optional<std::remove_cvref_t<A>>...};
  std::array<std::string_view, sizeof...(A)> slots{};
  auto const* name = of.name();
  auto const& names = of.parameters();
  bind_arguments(name, packed, names, optional, slots);
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple<std::remove_cvref_t<A>...>{read_argument<std::remove_cvref_t<A>>(name, names[I], slots[I])...};
  }(std::index_sequence_for<A...>{});
}

/// The end of a call by exception, called from a catch block.
[[gnu::noinline, gnu::cold]] inline void finish_by_exception(running_call const& run, limits const& with,
                                                             bool in_body) noexcept try {
  try {
    throw;
  } catch (retry_later const& r) {
    run.finish(LOVAGE_RETRY, r.options());
  } catch (ignore const&) {
    run.finish(LOVAGE_IGNORED, std::string{});
  } catch (replaced const& r) {
    run.finish(LOVAGE_REPLACED, pack(r.signature()));
  } catch (reject const& r) {
    run.finish(LOVAGE_REJECTED, value::map{{"requeue", r.requeue()}, {"reason", r.what()}});
  } catch (std::exception const& e) {
    bool const again = in_body && with.autoretries(std::current_exception());
    value::map details{{"type", in_body ? exception_type(e) : std::string{"TypeError"}},
                       {"message", e.what()},
                       {"autoretry", again},
                       {"bad_arguments", !in_body}};
    value::list causes;
    collect_causes(e, causes);
    if (!causes.empty()) details.push_back({"causes", std::move(causes)});
    run.finish(LOVAGE_FAILURE, std::move(details));
  } catch (...) {
    bool const again = in_body && with.autoretries(std::current_exception());
    run.finish(LOVAGE_FAILURE, value::map{{"type", "unknown"},
                                          {"message", "something that is no std::exception was thrown"},
                                          {"autoretry", again}});
  }
} catch (...) {
  run.finish(LOVAGE_FAILURE, "\x81\xa4type\xabMemoryError");  // {"type": "MemoryError"}, made without allocating much
}

/// What a task is declared and defined with. `types`: of its parameters, then of its result. Out of line like all that
/// runs once or seldom: a plug-in of many tasks compiles it once.
[[gnu::noinline, gnu::cold]] inline std::string pack_spec(std::span<char const* const> names,
                                                          std::span<std::string const> types,
                                                          value::map const& options) {
  value::list params;
  for (std::size_t i = 0; i < names.size(); ++i) params.push_back(value::list{names[i], types[i]});
  value::map spec{{"params", std::move(params)}, {"returns", types.back()}};
  spec.insert(spec.end(), options.begin(), options.end());
  return pack(value{std::move(spec)});
}

template <class Task, class Body>
struct bound_body;

template <class R, class... A, class Body>
struct bound_body<task<R(A...)>, Body> {
  task<R(A...)> declaration;
  Body body;
  limits with;

  static constexpr bool takes_context = std::invocable<Body&, context&, std::remove_cvref_t<A>&&...>;

  static void run(void* self, lovage_host const* host, void* call, char const* request, std::size_t request_size,
                  char const* arguments, std::size_t arguments_size) {
    auto& me = *static_cast<bound_body*>(self);
    running_call const running{host, call};
    bool in_body = false;
    try {
      me.invoke(running, {request, request_size}, {arguments, arguments_size}, in_body,
                std::index_sequence_for<A...>{});
    } catch (...) {
      finish_by_exception(running, me.with, in_body);
    }
  }
  static void destroy(void* self) { delete static_cast<bound_body*>(self); }

 private:
  template <std::size_t... I>
  void invoke(running_call const& running, std::string_view request, std::string_view packed, bool& in_body,
              std::index_sequence<I...>) {
    auto args = read_arguments(declaration, packed);
    in_body = true;
    packer out;
    context self{running.host, running.call, request};
    auto const call = [&]() -> decltype(auto) {
      if constexpr (takes_context) {
        return std::invoke(body, self, std::get<I>(std::move(args))...);
      } else {
        return std::invoke(body, std::get<I>(std::move(args))...);
      }
    };
    if constexpr (std::is_void_v<R>) {
      call();
      out.nil();
    } else {
      codec<R>::write(out, static_cast<R const&>(call()));
    }
    running.finish(LOVAGE_SUCCESS, out.out());
  }
};

/// What runs a body; coroutine.hpp has another for bodies that are coroutines.
template <class Task, class Body>
struct binding {
  using type = bound_body<Task, Body>;
};

/// A command of remote control: value(value::map).
template <class Body>
struct bound_command {
  Body body;

  static void run(void* self, char const* arguments, std::size_t size, void* to,
                  void (*answer)(void*, int, char const*, std::size_t)) {
    auto const refuse = [&](std::string const& why) { answer(to, 0, why.data(), why.size()); };
    try {
      auto given = unpacker{{arguments, size}}.any();
      auto* map = given.get_if<value::map>();
      auto const packed = pack(value{static_cast<bound_command*>(self)->body(map ? std::move(*map) : value::map{})});
      answer(to, 1, packed.data(), packed.size());
    } catch (std::exception const& e) {
      refuse(exception_type(e) + ": " + e.what());
    } catch (...) {
      refuse("something that is no std::exception was thrown");
    }
  }
  static void destroy(void* self) { delete static_cast<bound_command*>(self); }
};

/// A hook behind the C boundary: nothing escapes it, and what it throws is logged.
struct bound_hook {
  using function = std::function<void(context&, value&)>;
  std::string signal;
  function body;

  static void run(void* self, lovage_host const* host, void* call, char const* request, std::size_t request_size,
                  char const* data, std::size_t data_size) {
    auto& me = *static_cast<bound_hook*>(self);
    guarded(host, call, me.signal.c_str(), [&] {
      context of{host, call, {request, request_size}};
      value with;
      if (data_size > 0) with = unpacker{{data, data_size}}.any();
      me.body(of, with);
    });
  }
  static void destroy(void* self) { delete static_cast<bound_hook*>(self); }

  template <class F>
  static void guarded(lovage_host const* host, void* call, char const* what, F&& f) noexcept try {
    try {
      f();
    } catch (std::exception const& e) {
      auto const text = std::string{"the hook "} + what + " threw " + exception_type(e) + ": " + e.what();
      host->log(call, 3, text.data(), text.size());
    } catch (...) {
      auto const text = std::string{"the hook "} + what + " threw something that is no std::exception";
      host->log(call, 3, text.data(), text.size());
    }
  } catch (...) {  // no memory for a log line
  }
};

}  // namespace detail

/// What is left of a task behind a wrapper: the next wrapper, or the body. *Lifetime*: the wrapper's call.
class next_step {
 public:
  next_step(int (*run)(void*), void* rest) noexcept : run_{run}, rest_{rest} {}
  /// Runs it, the first time; how it ended, as in abi.h: LOVAGE_SUCCESS, LOVAGE_FAILURE, ... Never throws.
  lovage_outcome operator()() const noexcept {
    called_ = true;
    return static_cast<lovage_outcome>(run_(rest_));
  }
  [[nodiscard]] bool called() const noexcept { return called_; }

 private:
  int (*run_)(void*);
  void* rest_;
  mutable bool called_ = false;
};

namespace detail {

struct bound_around {
  std::function<void(context&, next_step const&)> body;

  static void run(void* self, lovage_host const* host, void* call, char const* request, std::size_t request_size,
                  int (*next)(void*), void* rest) {
    next_step const step{next, rest};
    bound_hook::guarded(host, call, "around", [&] {
      context of{host, call, {request, request_size}};
      static_cast<bound_around*>(self)->body(of, step);
    });
    if (!step.called()) step();  // it threw before, or forgot: the task is run all the same
  }
  static void destroy(void* self) { delete static_cast<bound_around*>(self); }
};

template <class R>
std::string result_name() {
  if constexpr (std::is_void_v<R>) {
    return "null";
  } else {
    return type_name<R>();
  }
}

}  // namespace detail

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
