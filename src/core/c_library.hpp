// What C libraries want: owners of what they give, and texts as octets.
#pragma once

#include <string_view>

namespace lovage {

///     using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};

[[nodiscard]] inline unsigned char const* as_octets(std::string_view text) noexcept {
  return reinterpret_cast<unsigned char const*>(text.data());
}

}  // namespace lovage
