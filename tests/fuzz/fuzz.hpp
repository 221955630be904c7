// What all fuzz targets need.
#pragma once

#include <lovage/value.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace lovage::fuzz {

inline std::string_view text(std::uint8_t const* data, std::size_t size) {
  return {reinterpret_cast<char const*>(data), size};
}

/// Ends the program when the property does not hold.
inline void demand(bool holds, std::string const& what) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", what.c_str());
  std::abort();
}

/// Equality, but a NaN equals a NaN and 0.0 does not equal -0.0.
inline bool same(value const& a, value const& b) {
  if (auto const* d = a.get_if<double>()) {
    auto const* e = b.get_if<double>();
    return e && (std::isnan(*d) ? std::isnan(*e) : *d == *e && std::signbit(*d) == std::signbit(*e));
  }
  if (auto const* l = a.get_if<value::list>()) {
    auto const* m = b.get_if<value::list>();
    return m && std::equal(l->begin(), l->end(), m->begin(), m->end(), same);
  }
  if (auto const* l = a.get_if<value::map>()) {
    auto const* m = b.get_if<value::map>();
    auto const same_member = [](value::member const& x, value::member const& y) {
      return x.key == y.key && same(x.val, y.val);
    };
    return m && std::equal(l->begin(), l->end(), m->begin(), m->end(), same_member);
  }
  return a == b;
}

}  // namespace lovage::fuzz
