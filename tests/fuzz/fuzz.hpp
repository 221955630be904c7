// What all fuzz targets need.
#pragma once

#include <lovage/value.hpp>

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
  if (a.get().index() != b.get().index()) return false;
  if (auto const* d = a.get_if<double>()) {
    auto const e = *b.get_if<double>();
    return std::isnan(*d) ? std::isnan(e) : *d == e && std::signbit(*d) == std::signbit(e);
  }
  if (auto const* l = a.get_if<value::list>()) {
    auto const& m = *b.get_if<value::list>();
    if (l->size() != m.size()) return false;
    for (std::size_t i = 0; i < m.size(); ++i)
      if (!same((*l)[i], m[i])) return false;
    return true;
  }
  if (auto const* l = a.get_if<value::map>()) {
    auto const& m = *b.get_if<value::map>();
    if (l->size() != m.size()) return false;
    for (std::size_t i = 0; i < m.size(); ++i)
      if ((*l)[i].key != m[i].key || !same((*l)[i].val, m[i].val)) return false;
    return true;
  }
  return a == b;
}

}  // namespace lovage::fuzz
