// C++ callables as the plug-in boundary calls them: bodies of tasks, hooks, wrappers, commands.
#pragma once

#include <lovage/abi.h>
#include <lovage/context.hpp>
#include <lovage/limits.hpp>
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

}  // namespace lovage
