#include "web/crypto.hpp"

#include "core/c_library.hpp"
#include "wire/base64.hpp"

#include <charconv>
#include <cstdint>
#include <memory>
#include <vector>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

namespace lovage::web {
namespace {

using key_owner = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using key_context = std::unique_ptr<EVP_PKEY_CTX, freed_by<EVP_PKEY_CTX_free>>;
using digest_context = std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX_free>>;
using number_owner = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using builder_owner = std::unique_ptr<OSSL_PARAM_BLD, freed_by<OSSL_PARAM_BLD_free>>;
using params_owner = std::unique_ptr<OSSL_PARAM, freed_by<OSSL_PARAM_free>>;

// 32 MiB and some 50 ms a login: what OWASP names as its second choice; more would show beside a worker.
constexpr unsigned cost_bits = 15, block_size = 8, lanes = 1;
constexpr std::size_t key_size = 32;
constexpr std::uint64_t memory_limit = 256ULL << 20;

std::string scrypt(std::string_view password, std::string_view salt, unsigned bits, unsigned block, unsigned parallel) {
  std::string out(key_size, '\0');
  auto const n = std::uint64_t{1} << bits;
  if (EVP_PBE_scrypt(password.data(), password.size(), as_octets(salt), salt.size(), n, block, parallel, memory_limit,
                     reinterpret_cast<unsigned char*>(out.data()), out.size()) != 1)
    return {};
  return out;
}

std::vector<std::string_view> parts_of(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    auto const end = text.find(by);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::optional<unsigned> small_number(std::string_view text, unsigned most) {
  unsigned out = 0;
  auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed != std::errc{} || end != text.data() + text.size() || out == 0 || out > most) return std::nullopt;
  return out;
}

key_owner rsa_key(std::string_view modulus, std::string_view exponent) {
  number_owner const n{BN_bin2bn(as_octets(modulus), static_cast<int>(modulus.size()), nullptr)};
  number_owner const e{BN_bin2bn(as_octets(exponent), static_cast<int>(exponent.size()), nullptr)};
  builder_owner const builder{OSSL_PARAM_BLD_new()};
  if (!n || !e || !builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return nullptr;
  params_owner const params{OSSL_PARAM_BLD_to_param(builder.get())};
  key_context const context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return key_owner{key};
}

}  // namespace

std::string random_octets(std::size_t n) {
  std::string out(n, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(n)) != 1)
    throw error{errc::internal, "the system's random generator gives nothing"};
  return out;
}

std::string random_text(std::size_t n) { return to_base64url(random_octets(n)); }

std::string sha256(std::string_view data) {
  std::string out(32, '\0');
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, EVP_sha256(), nullptr);
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string out(32, '\0');
  unsigned size = 32;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_octets(data), data.size(),
       reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

bool same_secret(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_hex(std::string_view data) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (char const c : data) {
    auto const octet = static_cast<unsigned char>(c);
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
  return out;
}

std::string to_base64url(std::string_view data) {
  auto out = wire::to_base64(data);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string plain{text};
  for (char& c : plain) {
    if (c == '+' || c == '/' || c == '=') return std::nullopt;
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  plain.append((4 - plain.size() % 4) % 4, '=');
  return wire::from_base64(plain);
}

std::string hash_password(std::string_view password) {
  auto const salt = random_octets(16);
  auto const key = scrypt(password, salt, cost_bits, block_size, lanes);
  if (key.empty()) throw error{errc::internal, "scrypt failed"};
  return "scrypt$" + std::to_string(cost_bits) + "$" + std::to_string(block_size) + "$" + std::to_string(lanes) + "$" +
         to_base64url(salt) + "$" + to_base64url(key);
}

bool check_password(std::string_view password, std::string_view hash) {
  auto const parts = parts_of(hash, '$');
  if (parts.size() != 6 || parts[0] != "scrypt") return false;
  auto const bits = small_number(parts[1], 17), block = small_number(parts[2], 16),
             parallel = small_number(parts[3], 4);
  auto const salt = from_base64url(parts[4]), key = from_base64url(parts[5]);
  if (!bits || !block || !parallel || !salt || !key) return false;
  auto const made = scrypt(password, *salt, *bits, *block, *parallel);
  return !made.empty() && same_secret(made, *key);
}

std::string hash_token(std::string_view token) { return "sha256$" + to_hex(sha256(token)); }

bool check_rs256(std::string_view signed_text, std::string_view signature, std::string_view modulus,
                 std::string_view exponent) {
  auto const key = rsa_key(modulus, exponent);
  digest_context const context{EVP_MD_CTX_new()};
  if (!key || !context || EVP_PKEY_get_bits(key.get()) < 2048) return false;
  if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), as_octets(signature), signature.size(), as_octets(signed_text),
                          signed_text.size()) == 1;
}

}  // namespace lovage::web
