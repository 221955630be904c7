#include "wire/name_uuid.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <string>

namespace lovage::wire {

uuid name_uuid(uuid const& space, std::string_view name) {
  std::string text{reinterpret_cast<char const*>(space.octets.data()), space.octets.size()};
  text += name;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<unsigned char const*>(text.data()), text.size(), digest.data());
  uuid out;
  std::copy_n(digest.begin(), out.octets.size(), out.octets.begin());
  out.octets[6] = static_cast<std::uint8_t>((out.octets[6] & 0x0f) | 0x50);
  out.octets[8] = static_cast<std::uint8_t>((out.octets[8] & 0x3f) | 0x80);
  return out;
}

}  // namespace lovage::wire
