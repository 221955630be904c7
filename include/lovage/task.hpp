// A task's name and type, and calls that wait to be sent.
#pragma once

#include <lovage/call_options.hpp>
#include <lovage/codec.hpp>

#include <array>
#include <concepts>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace lovage {

template <class Function>
class task;
template <class Function>
class signature;

/// A call without its types: what the library sends.
struct raw_call {
  std::string task;
  std::string packed_args;  ///< `count` MessagePack items, one after the other
  std::size_t count = 0;
  value::map kwargs;
  call_options options;
  bool immutable = false;  ///< in a workflow: takes nothing from what comes before it
  value workflow = {};     ///< of a canvas: its signature as Celery writes it, and nothing above counts; else null
};

inline call_options& call_options::link(raw_call then) {
  return links_.push_back(std::make_shared<raw_call const>(std::move(then))), *this;
}
inline call_options& call_options::link_error(raw_call then) {
  return error_links_.push_back(std::make_shared<raw_call const>(std::move(then))), *this;
}

namespace detail {

/// Not constexpr, so that a task declared without all its parameter names stops here at compile time.
inline void every_parameter_of_a_task_needs_a_name() {}

template <std::size_t Skip, class Tuple, class Indices>
struct tail;
template <std::size_t Skip, class... A, std::size_t... I>
struct tail<Skip, std::tuple<A...>, std::index_sequence<I...>> {
  using type = std::tuple<std::tuple_element_t<Skip + I, std::tuple<A...>>...>;
};
/// The types of a parameter list from the `Skip`-th on.
template <std::size_t Skip, class... A>
using tail_t = typename tail<Skip, std::tuple<A...>, std::make_index_sequence<sizeof...(A) - Skip>>::type;

template <class R, class Tuple>
struct signature_over;
template <class R, class... A>
struct signature_over<R, std::tuple<A...>> {
  using type = signature<R(A...)>;
};

template <std::size_t N, class... A, std::size_t... I>
auto head_impl(std::index_sequence<I...>) -> std::tuple<std::tuple_element_t<I, std::tuple<A...>>...>;
template <std::size_t N, class... A>
using head_t = decltype(head_impl<N, A...>(std::make_index_sequence<N>{}));

template <class Given, class Wanted>
inline constexpr bool convertible_lists = false;
template <class... G, class... W>
  requires(sizeof...(G) == sizeof...(W))
inline constexpr bool convertible_lists<std::tuple<G...>, std::tuple<W...>> = (std::convertible_to<G, W> && ...);

template <class... W, class... G, std::size_t... I>
void write_arguments(packer& to, std::tuple<W...>*, std::index_sequence<I...>, G&&... given) {
  (codec<std::remove_cvref_t<W>>::write(to, static_cast<W const&>(W(std::forward<G>(given)))), ...);
}

template <class Wanted, class... Given>
void pack_arguments(raw_call& call, Given&&... given) {
  packer p;
  write_arguments(p, static_cast<Wanted*>(nullptr), std::index_sequence_for<Given...>{}, std::forward<Given>(given)...);
  call.packed_args = std::move(p).out();
  call.count = sizeof...(Given);
}

}  // namespace detail

namespace detail {

/// The call as a link of another one: a complete one takes nothing from it.
template <class R, class... Missing>
raw_call as_link(signature<R(Missing...)> then) {
  auto call = std::move(then).raw();
  call.immutable = sizeof...(Missing) == 0;
  return call;
}

/// Whether a call that misses `Missing` can be made with one `Given` (or, when nothing is missing, with nothing).
template <class Given, class... Missing>
inline constexpr bool takes = sizeof...(Missing) == 0;
template <class Given, class Missing>
inline constexpr bool takes<Given, Missing> = std::convertible_to<Given, std::remove_cvref_t<Missing>>;
template <class Missing>
inline constexpr bool takes<void, Missing> = false;

}  // namespace detail

/// A call that is ready or still misses its first parameters: `signature<int(int)>` misses one int.
/// Only `signature<R()>` can be sent. Options are set fluently: `add.s(2, 5).queue("high").countdown(5s)`.
template <class R, class... Missing>
class signature<R(Missing...)> {
 public:
  using result_type = R;

  explicit signature(raw_call call) : call_{std::move(call)} {}

  signature& id(task_id v) & { return call_.options.id(std::move(v)), *this; }
  signature& queue(std::string v) & { return call_.options.queue(std::move(v)), *this; }
  signature& exchange(std::string v) & { return call_.options.exchange(std::move(v)), *this; }
  signature& routing_key(std::string v) & { return call_.options.routing_key(std::move(v)), *this; }
  signature& countdown(call_options::seconds v) & { return call_.options.countdown(v), *this; }
  signature& eta(time_point v) & { return call_.options.eta(v), *this; }
  signature& expires(call_options::seconds v) & { return call_.options.expires(v), *this; }
  signature& priority(int v) & { return call_.options.priority(v), *this; }
  signature& ignore_result(bool v = true) & { return call_.options.ignore_result(v), *this; }
  signature& header(std::string key, value v) & { return call_.options.header(std::move(key), std::move(v)), *this; }
  signature& stamp(std::string name, std::string v) & {
    return call_.options.stamp(std::move(name), std::move(v)), *this;
  }
  /// Calls `then` once this one succeeded: with its result in front when `then` misses a parameter, as it is otherwise.
  /// Several links are all called. Their own options (queue, countdown, links) count.
  ///
  ///     app.send(shop::add.s(2, 2).link(shop::add.s(10)).link(shop::report.s()));   // add(4, 10), and report()
  template <class R2, class... M>
  signature& link(signature<R2(M...)> then) & {
    static_assert(detail::takes<R, M...>, "lovage: link() needs a call that misses the result of this one, or nothing");
    return call_.options.link(detail::as_link(std::move(then))), *this;
  }
  /// Calls `then` once this one failed for good: with its id in front when `then` misses a parameter.
  template <class R2, class... M>
  signature& link_error(signature<R2(M...)> then) & {
    static_assert(detail::takes<std::string, M...>, "lovage: link_error() needs a call that misses an id, or nothing");
    return call_.options.link_error(detail::as_link(std::move(then))), *this;
  }
  /// It takes nothing from what comes before it in a workflow. A signature that misses nothing never does.
  signature& immutable(bool v = true) & { return call_.immutable = v, *this; }
  /// All of them at once, replacing what was set.
  signature& options(call_options v) & { return call_.options = std::move(v), *this; }

  signature&& id(task_id v) && { return std::move(id(std::move(v))); }
  signature&& queue(std::string v) && { return std::move(queue(std::move(v))); }
  signature&& exchange(std::string v) && { return std::move(exchange(std::move(v))); }
  signature&& routing_key(std::string v) && { return std::move(routing_key(std::move(v))); }
  signature&& countdown(call_options::seconds v) && { return std::move(countdown(v)); }
  signature&& eta(time_point v) && { return std::move(eta(v)); }
  signature&& expires(call_options::seconds v) && { return std::move(expires(v)); }
  signature&& priority(int v) && { return std::move(priority(v)); }
  signature&& ignore_result(bool v = true) && { return std::move(ignore_result(v)); }
  signature&& header(std::string key, value v) && { return std::move(header(std::move(key), std::move(v))); }
  signature&& stamp(std::string name, std::string v) && { return std::move(stamp(std::move(name), std::move(v))); }
  template <class R2, class... M>
  signature&& link(signature<R2(M...)> then) && {
    return std::move(link(std::move(then)));
  }
  template <class R2, class... M>
  signature&& link_error(signature<R2(M...)> then) && {
    return std::move(link_error(std::move(then)));
  }
  signature&& immutable(bool v = true) && { return std::move(immutable(v)); }
  signature&& options(call_options v) && { return std::move(options(std::move(v))); }

  [[nodiscard]] call_options const& options() const noexcept { return call_.options; }
  [[nodiscard]] raw_call const& raw() const& noexcept { return call_; }
  [[nodiscard]] raw_call&& raw() && noexcept { return std::move(call_); }

 private:
  raw_call call_;
};

/// A constexpr name with a type, like a prototype. Producers need nothing else; bodies are defined elsewhere.
///
///     inline constexpr lovage::task<int(int, int)> add{"shop.add", {"x", "y"}};
///
/// Parameter names serve callers that use keyword arguments (Python).
template <class R, class... A>
class task<R(A...)> {
 public:
  using result_type = R;
  using arguments = std::tuple<std::remove_cvref_t<A>...>;
  static constexpr std::size_t arity = sizeof...(A);

  consteval task(char const* name, std::array<char const*, sizeof...(A)> parameters)
    requires(sizeof...(A) > 0)
      : name_{name}, parameters_{parameters} {
    for (auto const* p : parameters)
      if (p == nullptr) detail::every_parameter_of_a_task_needs_a_name();
  }
  consteval explicit task(char const* name)
    requires(sizeof...(A) == 0)
      : name_{name} {}

  [[nodiscard]] constexpr char const* name() const noexcept { return name_; }
  [[nodiscard]] constexpr auto const& parameters() const noexcept { return parameters_; }

  /// A signature with the last parameters given; the first ones are missing until a result is put in front.
  template <class... Given>
  [[nodiscard]] auto s(Given&&... given) const {
    static_assert(sizeof...(Given) <= arity, "lovage: more arguments than the task has parameters");
    if constexpr (sizeof...(Given) <= arity) {
      constexpr auto missing = arity - sizeof...(Given);
      using wanted = detail::tail_t<missing, std::remove_cvref_t<A>...>;
      constexpr bool fits = detail::convertible_lists<std::tuple<Given&&...>, wanted>;
      static_assert(fits, "lovage: an argument does not convert to the task's parameter");
      raw_call call{name_, {}, 0, {}, {}};
      if constexpr (fits) detail::pack_arguments<wanted>(call, std::forward<Given>(given)...);
      using left = detail::head_t<missing, A...>;
      return typename detail::signature_over<R, left>::type{std::move(call)};
    }
  }

  /// A complete signature that Python too takes for immutable: `s` with every parameter given, and `immutable`.
  template <class... Given>
  [[nodiscard]] auto si(Given&&... given) const {
    static_assert(sizeof...(Given) == arity, "lovage: si() takes exactly the task's arguments");
    return s(std::forward<Given>(given)...).immutable();
  }

 private:
  char const* name_;
  std::array<char const*, sizeof...(A)> parameters_{};
};

}  // namespace lovage
