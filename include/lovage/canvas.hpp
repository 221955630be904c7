// Workflows: chain, group, chord, chunks, map and starmap, with the types of what passes between their steps.
#pragma once

#include <lovage/compose.hpp>
#include <lovage/context.hpp>
#include <lovage/outcome.hpp>
#include <lovage/stamping.hpp>

#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace lovage {

template <class Function>
class canvas;

namespace detail {

/// Says that a signature was made here and need not be checked.
struct composed {};

template <class... M>
struct params {};

/// What a signature or a workflow gives and misses.
template <class T>
struct step_traits {
  static constexpr bool is_step = false;
};
template <class R, class... M>
struct step_traits<signature<R(M...)>> {
  static constexpr bool is_step = true;
  using outcome = R;
  using missing = params<M...>;
};
template <class O, class... M>
struct step_traits<canvas<O(M...)>> {
  static constexpr bool is_step = true;
  using outcome = O;
  using missing = params<M...>;
};

template <class T>
concept step = step_traits<std::remove_cvref_t<T>>::is_step;
template <class T>
using outcome_t = typename step_traits<std::remove_cvref_t<T>>::outcome;
template <class T>
using missing_t = typename step_traits<std::remove_cvref_t<T>>::missing;

/// Whether a step that misses M can come after one that gives O.
template <class O, class M>
inline constexpr bool can_follow = false;
template <class O>
inline constexpr bool can_follow<O, params<>> = true;
template <class O, class P>
inline constexpr bool can_follow<O, params<P>> = accepts<O, std::remove_cvref_t<P>>;

template <class R, class... M>
value step_value(signature<R(M...)> s) {
  return signature_value(std::move(s).raw());
}
template <class O, class... M>
value step_value(canvas<O(M...)> c) {
  return std::move(c).to_value();
}

/// A step that comes after another one. One that misses nothing takes nothing.
template <step S>
value later_step(S s) {
  auto v = step_value(std::move(s));
  if constexpr (std::same_as<missing_t<S>, params<>>) take_nothing(v);
  return v;
}

template <class O, class M>
struct canvas_over;
template <class O, class... M>
struct canvas_over<O, params<M...>> {
  using type = canvas<O(M...)>;
};
template <class O, class M>
using canvas_over_t = typename canvas_over<O, M>::type;

/// What several steps that are given the same miss: nothing, or the one parameter that those agree on which miss one.
template <class... Ms>
struct common_missing {
  using type = params<>;
  static constexpr bool agree = true;
};
template <class... Rest>
struct common_missing<params<>, Rest...> : common_missing<Rest...> {};
template <class P, class... Rest>
struct common_missing<params<P>, Rest...> {
  using type = params<P>;
  using rest = typename common_missing<Rest...>::type;
  static constexpr bool agree =
      common_missing<Rest...>::agree && (std::same_as<rest, params<>> || std::same_as<rest, type>);
};
template <class P, class Q, class... More, class... Rest>
struct common_missing<params<P, Q, More...>, Rest...> {
  using type = params<>;
  static constexpr bool agree = false;
};

}  // namespace detail

/// A workflow that is ready, or still misses what its first step misses. `Outcome` is what its last step gives: a plain
/// type, or `group_of<...>` of a group. Made by `|`, `group`, `chord`, `chunks`, `map`, `starmap`; sent by `app.send`.
///
///     auto flow = lovage::group(add.s(1, 1), add.s(2, 2)) | total.s() | add.s(10);
///     int n = app.send(flow).get(10s);      // total([2, 4]), then add(6, 10)
///
/// What a step gives is put in front of the arguments of the next one, unless that misses nothing. A group with a step
/// after it is a chord: the step gets the list of what the members gave, in their order.
/// *Threads*: as std::string.
template <class Outcome, class... Missing>
class canvas<Outcome(Missing...)> {
 public:
  using result_type = Outcome;

  /// A signature as Celery writes it. *On failure*: throws `error{invalid_argument}`.
  explicit canvas(value signature) : signature_{std::move(signature)} { detail::check_signature(signature_); }
  canvas(detail::composed, value signature) : signature_{std::move(signature)} {}
  canvas(lovage::signature<Outcome(Missing...)> one) : signature_{detail::step_value(std::move(one))} {}

  /// Calls `then` once the last step succeeded, with what that gave in front when `then` misses it.
  template <detail::step S>
  canvas& link(S then) & {
    static_assert(detail::can_follow<Outcome, detail::missing_t<S>>,
                  "lovage: link() needs a step that misses what the workflow gives, or nothing");
    return add_call("link", detail::later_step(std::move(then)));
  }
  /// Calls `then` once a step failed for good: with the id of that step in front when `then` misses it. Celery's
  /// `on_error`.
  template <detail::step S>
  canvas& link_error(S then) & {
    static_assert(detail::can_follow<std::string, detail::missing_t<S>>,
                  "lovage: link_error() needs a step that misses an id, or nothing");
    return add_call("link_error", detail::later_step(std::move(then)));
  }
  template <detail::step S>
  canvas&& link(S then) && {
    return std::move(link(std::move(then)));
  }
  template <detail::step S>
  canvas&& link_error(S then) && {
    return std::move(link_error(std::move(then)));
  }
  /// How it is sent: of a chain, these are options of its first step; of a group, of each member; of a chord, of its
  /// body.
  canvas& options(call_options const& o) & {
    auto& mine = *signature_.find("options")->template get_if<value::map>();
    for (auto& [key, v] : detail::option_values(o)) detail::set_member(mine, key, std::move(v));
    return *this;
  }
  canvas&& options(call_options const& o) && { return std::move(options(o)); }

  /// Puts stamps on every call in it, links included: `flow.stamp({{"order", {"7"}}})`; then
  /// `app.revoke_by_stamped_headers` finds all of them.
  canvas& stamp(stamping_visitor& visitor) & { return detail::stamper{visitor}.stamp(signature_, {}), *this; }
  canvas& stamp(stamp_values stamps) & {
    detail::same_stamps visitor{std::move(stamps)};
    return stamp(visitor);
  }
  canvas&& stamp(stamping_visitor& visitor) && { return std::move(stamp(visitor)); }
  canvas&& stamp(stamp_values stamps) && { return std::move(stamp(std::move(stamps))); }

  /// A copy that misses nothing.
  template <class... Given>
  [[nodiscard]] canvas<Outcome()> with(Given&&... given) const {
    static_assert(detail::convertible_lists<std::tuple<Given&&...>, std::tuple<std::remove_cvref_t<Missing>...>>,
                  "lovage: with() takes exactly the arguments that the workflow misses");
    raw_call call;
    detail::pack_arguments<std::tuple<std::remove_cvref_t<Missing>...>>(call, std::forward<Given>(given)...);
    auto all = detail::unpack_arguments(call);
    auto out = signature_;
    auto& args = *out.find("args")->template get_if<value::list>();
    std::move(args.begin(), args.end(), std::back_inserter(all));
    args = std::move(all);
    return canvas<Outcome()>{detail::composed{}, std::move(out)};
  }

  /// Celery's form: a map of task, args, kwargs, options, subtask_type, immutable.
  [[nodiscard]] value const& to_value() const& noexcept { return signature_; }
  [[nodiscard]] value&& to_value() && noexcept { return std::move(signature_); }

 private:
  canvas& add_call(char const* option, value then) {
    auto& options = *signature_.find("options")->template get_if<value::map>();
    auto* have = signature_.find("options")->find(option);
    if (!have) {
      options.push_back({option, value::list{}});
      have = &options.back().val;
    }
    have->template get_if<value::list>()->push_back(std::move(then));
    return *this;
  }

  value signature_;
};

/// `left`, then `right` with what it gave.
template <detail::step L, detail::step R>
[[nodiscard]] auto operator|(L left, R right) {
  using gives = detail::outcome_t<L>;
  static_assert(detail::can_follow<gives, detail::missing_t<R>>,
                "lovage: the step after | must miss what the one before it gives, or nothing");
  using given = typename detail::after_steps<detail::outcome_t<R>>::type;
  using out = detail::canvas_over_t<given, detail::missing_t<L>>;
  return out{detail::composed{},
             detail::compose(detail::step_value(std::move(left)), detail::later_step(std::move(right)))};
}

/// Steps one after the other: the same as `|` between them.
template <detail::step First, detail::step... Rest>
[[nodiscard]] auto chain(First first, Rest... rest) {
  using alone = detail::canvas_over_t<detail::outcome_t<First>, detail::missing_t<First>>;
  return (alone{std::move(first)} | ... | std::move(rest));
}

/// Steps side by side. Their results come in this order: as a vector when all are of one type, else as a tuple; a group
/// inside is part of it, and void is std::monostate.
template <detail::step... S>
[[nodiscard]] auto group(S... members) {
  using missing = detail::common_missing<detail::missing_t<S>...>;
  static_assert(missing::agree, "lovage: members of a group must miss the same one argument, or nothing");
  constexpr bool mixed = !std::same_as<typename missing::type, detail::params<>>;
  [[maybe_unused]] auto const value_of = [](auto m) {
    if constexpr (mixed) {
      return detail::later_step(std::move(m));
    } else {
      return detail::step_value(std::move(m));
    }
  };
  value::list list;
  (list.push_back(value_of(std::move(members))), ...);
  using outcome = detail::joined_group<detail::outcome_t<S>...>;
  return detail::canvas_over_t<outcome, typename missing::type>{detail::composed{},
                                                                detail::make_group(std::move(list))};
}

/// Any number of steps of one type, side by side.
template <std::ranges::input_range Range>
  requires detail::step<std::ranges::range_value_t<Range>>
[[nodiscard]] auto group(Range&& members) {
  using member = std::ranges::range_value_t<Range>;
  value::list list;
  for (auto&& m : members) list.push_back(detail::step_value(member{m}));
  using outcome = group_of_many<detail::element_t<detail::outcome_t<member>>>;
  return detail::canvas_over_t<outcome, detail::missing_t<member>>{detail::composed{},
                                                                   detail::make_group(std::move(list))};
}

/// `body` with the list of what the members of `header`, a group, gave: the same as `header | body`.
template <detail::step Header, detail::step Body>
[[nodiscard]] auto chord(Header header, Body body) {
  static_assert(detail::is_group<detail::outcome_t<Header>>, "lovage: the header of a chord is a group");
  return std::move(header) | std::move(body);
}
template <std::ranges::input_range Range, detail::step Body>
  requires detail::step<std::ranges::range_value_t<Range>>
[[nodiscard]] auto chord(Range&& header, Body body) {
  return group(std::forward<Range>(header)) | std::move(body);
}

namespace detail {

template <class R>
struct workflow_data<signature<R()>> {
  static value of(signature<R()> s) { return step_value(std::move(s)); }
};
template <class Outcome>
struct workflow_data<canvas<Outcome()>> {
  static value of(canvas<Outcome()> c) { return std::move(c).to_value(); }
};

/// A list with one list of arguments for each item: a tuple is several arguments, anything else is one.
template <class R, class... A, class Range>
value::list argument_lists(task<R(A...)> const& of, Range&& items, bool lists) {
  value::list out;
  auto const add = [&](auto&&... given) {
    auto args = unpack_arguments(of.s(std::forward<decltype(given)>(given)...).raw());
    if (lists) {
      out.push_back(std::move(args));
    } else {
      out.push_back(std::move(args.front()));
    }
  };
  for (auto&& item : items) {
    if constexpr (requires { std::tuple_size<std::remove_cvref_t<decltype(item)>>::value; } && sizeof...(A) != 1) {
      std::apply(add, item);
    } else {
      add(item);
    }
  }
  return out;
}

template <class R, class... A>
value bare_signature(task<R(A...)> const& of) {
  return make_signature(of.name(), {}, {}, {}, {}, false);
}

}  // namespace detail

/// One task that calls `of` for each item in turn, in one process, and gives the list of the results.
template <class R, class A, std::ranges::input_range Range>
[[nodiscard]] auto map(task<R(A)> const& of, Range&& items) {
  auto list = detail::argument_lists(of, std::forward<Range>(items), false);
  return canvas<std::vector<detail::element_t<R>>()>{
      detail::composed{}, detail::make_map("celery.map", detail::bare_signature(of), std::move(list))};
}
/// The same with several arguments: items are tuples.
template <class R, class... A, std::ranges::input_range Range>
[[nodiscard]] auto starmap(task<R(A...)> const& of, Range&& items) {
  auto list = detail::argument_lists(of, std::forward<Range>(items), true);
  return canvas<std::vector<detail::element_t<R>>()>{
      detail::composed{}, detail::make_map("celery.starmap", detail::bare_signature(of), std::move(list))};
}
/// As starmap, cut into tasks of `size` calls: a group of the lists of their results. Throws `error{invalid_argument}`
/// when `size` is 0.
template <class R, class... A, std::ranges::input_range Range>
[[nodiscard]] auto chunks(task<R(A...)> const& of, Range&& items, std::size_t size) {
  if (size == 0) throw error{errc::invalid_argument, "chunks of 0 calls; give 1 or more"};
  auto list = detail::argument_lists(of, std::forward<Range>(items), true);
  return canvas<group_of_many<std::vector<detail::element_t<R>>>()>{
      detail::composed{}, detail::make_map("celery.chunks", detail::bare_signature(of), std::move(list), size)};
}

/// A task known by its name only, such as a Python one, as a step: `named<int(int)>("proj.add", {10})` gives an int
/// and misses one.
template <class Function = value()>
[[nodiscard]] signature<Function> named(std::string task, value::list const& args = {}, value::map kwargs = {}) {
  raw_call call{std::move(task), {}, args.size(), std::move(kwargs), {}};
  packer p;
  for (auto const& a : args) p.any(a);
  call.packed_args = std::move(p).out();
  return signature<Function>{std::move(call)};
}

}  // namespace lovage
