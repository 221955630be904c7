#include "wire/named_uuid.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string>

namespace lovage::wire {

uuid named_uuid(uuid const& space, std::string_view name) {
  std::string text{space.octets.begin(), space.octets.end()};
  text += name;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  uuid out;
  std::copy_n(digest.begin(), out.octets.size(), out.octets.begin());
  out.octets[6] = static_cast<std::uint8_t>((out.octets[6] & 0x0f) | 0x50);
  out.octets[8] = static_cast<std::uint8_t>((out.octets[8] & 0x3f) | 0x80);
  return out;
}

}  // namespace lovage::wire
