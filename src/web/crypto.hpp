// What OpenSSL does for logins: random texts, digests, signatures.
#pragma once

#include <lovage/expected.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::web {

/// So many octets of the system's generator. Throws `error{internal}` when there are none.
[[nodiscard]] std::string random_octets(std::size_t n);
/// Random text of letters, digits, "-" and "_", from so many octets.
[[nodiscard]] std::string random_text(std::size_t octets = 32);
[[nodiscard]] std::string sha256(std::string_view data);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view data);
/// Takes as long whatever differs; only their lengths show.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string to_hex(std::string_view data);
/// Base64 for addresses and cookies: no padding.
[[nodiscard]] std::string to_base64url(std::string_view data);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

/// "scrypt$15$8$1$<salt>$<key>": cost as a power of two, block size, parallel lanes.
[[nodiscard]] std::string hash_password(std::string_view password);
/// False also for a hash that cannot be read. Takes some 50 ms.
[[nodiscard]] bool check_password(std::string_view password, std::string_view hash);
/// "sha256$<hex>", for tokens, which are random already.
[[nodiscard]] std::string hash_token(std::string_view token);

/// Checks an RS256 signature with a key of a JWK: modulus and exponent as octets.
[[nodiscard]] bool check_rs256(std::string_view signed_text, std::string_view signature, std::string_view modulus,
                               std::string_view exponent);

}  // namespace lovage::web
