// What workflows give, as types, and which parameter can take it.
#pragma once

#include <lovage/value.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace lovage {

/// What a group of these many members gives, one type a member.
template <class... T>
struct group_of {};
/// What a group of any number of members gives, each a T.
template <class T>
struct group_of_many {};

/// What a chain gives that ends in a group: as a member of another group it stays a list of its own.
template <class Group>
struct chained {};

namespace detail {

/// As part of a list: void is there as null.
template <class T>
struct element {
  using type = T;
};
template <>
struct element<void> {
  using type = std::monostate;
};

template <class First, class... Rest>
inline constexpr bool all_same = (std::same_as<First, Rest> && ...);

template <class... T>
struct joined_type {
  using type = std::tuple<T...>;
};
template <>
struct joined_type<> {
  using type = std::vector<value>;
};
template <class First, class... Rest>
  requires all_same<First, Rest...>
struct joined_type<First, Rest...> {
  using type = std::vector<First>;
};

template <class... T>
struct element<group_of<T...>> : joined_type<T...> {};
template <class T>
struct element<group_of_many<T>> {
  using type = std::vector<T>;
};
template <class Group>
struct element<chained<Group>> : element<Group> {};
/// What an outcome is when it is read, or is one of a list: T, or the vector or tuple of a group.
template <class T>
using element_t = typename element<T>::type;

template <class T>
inline constexpr bool is_group = false;
template <class... T>
inline constexpr bool is_group<group_of<T...>> = true;
template <class T>
inline constexpr bool is_group<group_of_many<T>> = true;
template <class Group>
inline constexpr bool is_group<chained<Group>> = true;

/// What a step gives after other steps.
template <class O>
struct after_steps {
  using type = O;
};
template <class O>
  requires is_group<O>
struct after_steps<O> {
  using type = chained<O>;
};
template <class Group>
struct after_steps<chained<Group>> {
  using type = chained<Group>;
};

/// A group of groups is one group of all their members.
template <class... O>
struct join_groups;
template <class... T>
struct join_groups<group_of<T...>> {
  using type = group_of<T...>;
};
template <class... T, class... U, class... Rest>
struct join_groups<group_of<T...>, group_of<U...>, Rest...> : join_groups<group_of<T..., U...>, Rest...> {};
template <class... T, class U, class... Rest>
struct join_groups<group_of<T...>, group_of_many<U>, Rest...> : join_groups<group_of<T..., U>, Rest...> {};
template <class... T, class O, class... Rest>
struct join_groups<group_of<T...>, O, Rest...> : join_groups<group_of<T..., element_t<O>>, Rest...> {};

template <class O>
inline constexpr bool is_many = false;
template <class T>
inline constexpr bool is_many<group_of_many<T>> = true;

/// How many there are is known at run time only: they are of one type, or of any.
template <class Group>
struct as_many {
  using type = group_of_many<value>;
};
template <class First, class... Rest>
  requires all_same<First, Rest...>
struct as_many<group_of<First, Rest...>> {
  using type = group_of_many<First>;
};

template <bool Many, class Group>
struct group_outcome {
  using type = Group;
};
template <class Group>
struct group_outcome<true, Group> : as_many<Group> {};
template <class... O>
using joined_group = typename group_outcome<(is_many<O> || ...), typename join_groups<group_of<>, O...>::type>::type;

/// Whether a parameter P can take what gives O.
template <class O, class P>
inline constexpr bool accepts =
    !std::is_void_v<O> && (std::convertible_to<O, P> || std::same_as<P, value> || std::same_as<O, value>);
template <class P>
inline constexpr bool accepts<void, P> = false;

template <class P, class... T>
inline constexpr bool accepts_list = std::same_as<P, value>;
template <class E, class A, class... T>
inline constexpr bool accepts_list<std::vector<E, A>, T...> = (accepts<T, E> && ...);
template <class... E, class... T>
  requires(sizeof...(E) == sizeof...(T))
inline constexpr bool accepts_list<std::tuple<E...>, T...> = (accepts<T, E> && ...);
template <class A, class B, class T, class U>
inline constexpr bool accepts_list<std::pair<A, B>, T, U> = accepts<T, A> && accepts<U, B>;
template <class E, std::size_t N, class... T>
inline constexpr bool accepts_list<std::array<E, N>, T...> = N == sizeof...(T) && (accepts<T, E> && ...);

template <class... T, class P>
inline constexpr bool accepts<group_of<T...>, P> = accepts_list<P, T...>;
template <class Group, class P>
inline constexpr bool accepts<chained<Group>, P> = accepts<Group, P>;
template <class T, class P>
inline constexpr bool accepts<group_of_many<T>, P> = std::same_as<P, value>;
template <class T, class E, class A>
inline constexpr bool accepts<group_of_many<T>, std::vector<E, A>> = accepts<T, E>;

}  // namespace detail
}  // namespace lovage
