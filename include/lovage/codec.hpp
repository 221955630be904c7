// How C++ types become arguments and results, and back: one trait, `codec<T>`, and structs of named members.
#pragma once

#include <lovage/codec_containers.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace lovage {

/// A string as a template argument.
template <std::size_t N>
struct literal {
  char text[N];
  consteval literal(char const (&s)[N]) { std::copy_n(s, N, text); }
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

/// One member of a struct, by the name it has on the wire.
template <literal Name, auto Member>
struct field {
  static constexpr std::string_view name = Name.view();
  static constexpr auto member = Member;
};

/// A struct as a map. Unknown keys are skipped; a missing key is an error unless the member is an optional.
template <class T, class... Field>
struct fields {
  static void write(packer& to, T const& t) {
    to.map(sizeof...(Field));
    ((to.text(Field::name), codec<type_of<Field>>::write(to, t.*Field::member)), ...);
  }
  static T read(unpacker& from) {
    T out{};
    std::array<bool, sizeof...(Field)> seen{};
    for (auto n = from.map(); n > 0; --n) {
      auto const key = from.text();
      std::size_t i = 0;
      if (!((key == Field::name ? (read_one<Field>(from, out), seen[i] = true) : (++i, false)) || ...)) from.skip();
    }
    std::size_t i = 0;
    (require<Field>(seen[i++]), ...);
    return out;
  }
  static std::string name() {
    std::string out;
    ((out += (out.empty() ? "" : ", ") + std::string{Field::name} + ": " + type_name<type_of<Field>>()), ...);
    return "{" + out + "}";
  }

 private:
  template <class F>
  using type_of = std::remove_cvref_t<decltype(std::declval<T&>().*F::member)>;

  template <class F>
  static void read_one(unpacker& from, T& out) {
    try {
      out.*F::member = codec<type_of<F>>::read(from);
    } catch (error const& e) {
      throw error{errc::decode, "'" + std::string{F::name} + "': " + e.info().detail, e.info().where};
    }
  }
  template <class F>
  static void require(bool seen) {
    if (!seen && !requires {
          typename type_of<F>::value_type;
          requires std::same_as<type_of<F>, std::optional<typename type_of<F>::value_type>>;
        })
      throw error{errc::decode, "key '" + std::string{F::name} + "' is missing"};
  }
};

}  // namespace lovage
