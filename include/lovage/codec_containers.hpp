// `codec<T>` of what holds others: sequences, maps, tuples, variants.
#pragma once

#include <lovage/codec_scalars.hpp>

#include <array>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace lovage {

namespace detail {

template <class C>
struct sequence_codec {
  using item = typename C::value_type;
  static void write(packer& to, C const& items) {
    to.array(items.size());
    for (auto const& i : items) codec<item>::write(to, i);
  }
  static C read(unpacker& from) {
    C out;
    for (auto n = from.array(); n > 0; --n) out.insert(out.end(), codec<item>::read(from));
    return out;
  }
  static std::string name() { return "list[" + type_name<item>() + "]"; }
};

/// Keys that are numbers travel as text, since JSON knows no others.
template <class M>
struct map_codec {
  using key = typename M::key_type;
  using mapped = typename M::mapped_type;
  static_assert(std::same_as<key, std::string> || std::integral<key>, "lovage: map keys are strings or integers");
  static void write(packer& to, M const& m) {
    to.map(m.size());
    for (auto const& [k, v] : m) {
      if constexpr (std::integral<key>) {
        to.text(std::to_string(k));
      } else {
        to.text(k);
      }
      codec<mapped>::write(to, v);
    }
  }
  static M read(unpacker& from) {
    M out;
    for (auto n = from.map(); n > 0; --n) {
      auto k = read_key(from.text());
      out.insert_or_assign(std::move(k), codec<mapped>::read(from));
    }
    return out;
  }
  static std::string name() { return "map[" + type_name<key>() + ", " + type_name<mapped>() + "]"; }

 private:
  static key read_key(std::string_view text) {
    if constexpr (std::integral<key>) {
      try {
        std::size_t used = 0;
        auto const n = std::stoll(std::string{text}, &used);
        if (used == text.size() && std::in_range<key>(n)) return static_cast<key>(n);
      } catch (std::exception const&) {  // not a number: said below
      }
      throw error{errc::decode, "map key '" + std::string{text} + "' is not an int"};
    } else {
      return std::string{text};
    }
  }
};

template <class Tuple, class = std::make_index_sequence<std::tuple_size_v<Tuple>>>
struct tuple_codec;

template <class Tuple, std::size_t... I>
struct tuple_codec<Tuple, std::index_sequence<I...>> {
  static void write(packer& to, Tuple const& t) {
    to.array(sizeof...(I));
    (codec<std::tuple_element_t<I, Tuple>>::write(to, std::get<I>(t)), ...);
  }
  static Tuple read(unpacker& from) {
    auto const n = from.array();
    if (n != sizeof...(I))
      throw error{errc::decode, "expected a list of " + std::to_string(sizeof...(I)) + ", got " + std::to_string(n)};
    return Tuple{codec<std::tuple_element_t<I, Tuple>>::read(from)...};
  }
  static std::string name() {
    std::string out;
    ((out += (out.empty() ? "" : ", ") + type_name<std::tuple_element_t<I, Tuple>>()), ...);
    return "(" + out + ")";
  }
};

}  // namespace detail

template <class T, class A>
struct codec<std::vector<T, A>> : detail::sequence_codec<std::vector<T, A>> {};
template <class T, class C, class A>
struct codec<std::set<T, C, A>> : detail::sequence_codec<std::set<T, C, A>> {};
template <class K, class V, class C, class A>
struct codec<std::map<K, V, C, A>> : detail::map_codec<std::map<K, V, C, A>> {};
template <class K, class V, class H, class E, class A>
struct codec<std::unordered_map<K, V, H, E, A>> : detail::map_codec<std::unordered_map<K, V, H, E, A>> {};
template <class... T>
struct codec<std::tuple<T...>> : detail::tuple_codec<std::tuple<T...>> {};
template <class A, class B>
struct codec<std::pair<A, B>> : detail::tuple_codec<std::pair<A, B>> {};
template <class T, std::size_t N>
struct codec<std::array<T, N>> : detail::tuple_codec<std::array<T, N>> {};

/// The first alternative that can read the item wins: order them from narrow to wide.
template <class... T>
struct codec<std::variant<T...>> {
  using any_of = std::variant<T...>;
  static void write(packer& to, any_of const& v) {
    std::visit([&to]<class U>(U const& held) { codec<U>::write(to, held); }, v);
  }
  static any_of read(unpacker& from) {
    std::optional<any_of> out;
    (attempt<T>(from, out) || ...);
    if (!out) throw error{errc::decode, "expected " + name() + ", got " + from.peek_name()};
    return *std::move(out);
  }
  static std::string name() {
    std::string out;
    ((out += (out.empty() ? "" : " or ") + type_name<T>()), ...);
    return out;
  }

 private:
  template <class U>
  static bool attempt(unpacker& from, std::optional<any_of>& out) {
    unpacker bookmark = from;
    try {
      out.emplace(std::in_place_type<U>, codec<U>::read(bookmark));
    } catch (error const&) {
      return false;
    }
    from = bookmark;
    return true;
  }
};

}  // namespace lovage
