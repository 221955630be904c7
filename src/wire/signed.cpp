#include "wire/signed.hpp"

#include "core/c_library.hpp"
#include "wire/base64.hpp"
#include "wire/serializer.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <optional>
#include <utility>

namespace lovage::wire {

namespace {

void free_text(char* p) { OPENSSL_free(p); }
void free_bytes(unsigned char* p) { OPENSSL_free(p); }

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using x509_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using digest_ptr = std::unique_ptr<EVP_MD, freed_by<EVP_MD_free>>;
using context_ptr = std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using text_ptr = std::unique_ptr<char, freed_by<free_text>>;

constexpr std::string_view separator{"\0\1", 2};

bio_ptr memory_bio(std::string_view text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

/// The library's own words for the last failure; leaves its queue empty.
std::string last_problem() {
  std::array<char, 200> text{};
  auto const code = ERR_get_error();
  if (code != 0) ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

int give_password(char* out, int size, int, void* password) {
  auto const& text = *static_cast<std::string const*>(password);
  auto const n = std::min(static_cast<std::size_t>(size), text.size());
  std::copy_n(text.data(), n, out);
  return static_cast<int>(n);
}

x509_ptr read_certificate(std::string_view pem) {
  auto const bio = memory_bio(pem);
  std::string none;
  return x509_ptr{PEM_read_bio_X509(bio.get(), nullptr, give_password, &none)};
}

bool is_rsa(EVP_PKEY const* key) { return key != nullptr && EVP_PKEY_base_id(key) == EVP_PKEY_RSA; }

/// Values of the issuer's name in order, joined by blanks, blank, serial number in decimal.
std::string signer_id_of(X509 const* certificate) {
  std::string out;
  auto* const name = X509_get_issuer_name(certificate);
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    unsigned char* utf8 = nullptr;
    int const size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
    std::unique_ptr<unsigned char, freed_by<free_bytes>> const owner{utf8};
    if (size > 0) out.append(reinterpret_cast<char const*>(utf8), static_cast<std::size_t>(size));
    out += ' ';
  }
  number_ptr const serial{ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr)};
  text_ptr const digits{serial ? BN_bn2dec(serial.get()) : nullptr};
  if (digits) out += digits.get();
  return out;
}

/// A context ready to sign or verify; null when the digest is unknown.
context_ptr pss_context(EVP_PKEY* key, std::string const& digest, bool sign) {
  context_ptr context{EVP_MD_CTX_new()};
  EVP_PKEY_CTX* parameters = nullptr;  // belongs to `context`
  int const begun =
      sign ? EVP_DigestSignInit_ex(context.get(), &parameters, digest.c_str(), nullptr, nullptr, key, nullptr)
           : EVP_DigestVerifyInit_ex(context.get(), &parameters, digest.c_str(), nullptr, nullptr, key, nullptr);
  if (begun != 1 || EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_MAX) != 1)
    return nullptr;
  return context;
}

failure malformed(std::string_view what) { return fail(errc::decode, "signed body: " + std::string{what}, "body"); }

/// Text up to the separator, taken off the front of `rest`.
std::optional<std::string_view> take_field(std::string_view& rest) {
  auto const end = rest.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  auto const field = rest.substr(0, end);
  rest.remove_prefix(end + separator.size());
  return field;
}

/// The signature has the key's length in the old layout, since it may hold the separator itself.
std::optional<std::string_view> take_sized(std::string_view& rest, std::size_t size) {
  if (rest.size() < size + separator.size() || rest.substr(size, separator.size()) != separator) return std::nullopt;
  auto const field = rest.substr(0, size);
  rest.remove_prefix(size + separator.size());
  return field;
}

std::string digest_problem(std::string const& digest) {
  digest_ptr const known{EVP_MD_fetch(nullptr, digest.c_str(), nullptr)};
  return known ? std::string{} : "security_digest '" + digest + "' is not known";
}

}  // namespace

struct certificate_store::state {
  std::map<std::string, key_ptr, std::less<>> keys;  // by signer id
};

certificate_store::certificate_store() : state_{std::make_unique<state>()} {}
certificate_store::certificate_store(certificate_store&&) noexcept = default;
certificate_store& certificate_store::operator=(certificate_store&&) noexcept = default;
certificate_store::~certificate_store() = default;

std::size_t certificate_store::size() const noexcept { return state_->keys.size(); }

expected<std::string> certificate_store::add_pem(std::string_view pem, time_point now) {
  auto const certificate = read_certificate(pem);
  if (!certificate)
    return fail(errc::bad_config, "this is no certificate in PEM form: " + last_problem(), "security_cert_store");
  auto id = signer_id_of(certificate.get());
  auto at = static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  if (X509_cmp_time(X509_get0_notAfter(certificate.get()), &at) <= 0)
    return fail(errc::bad_config, "the certificate of '" + id + "' has expired", "security_cert_store");
  key_ptr key{X509_get_pubkey(certificate.get())};
  if (!is_rsa(key.get()))
    return fail(errc::bad_config, "the certificate of '" + id + "' has no RSA key", "security_cert_store");
  state_->keys.insert_or_assign(id, std::move(key));
  return id;
}

/// The five fields as they stand in the body, and the key of the signer.
struct certificate_store::parts {
  std::string signer;
  EVP_PKEY* key = nullptr;
  std::string signature;
  std::string_view type, encoding, payload;
};

expected<certificate_store::parts> certificate_store::split(std::string_view rest) const {
  auto const first = take_field(rest);
  if (!first) return malformed("has no signer");
  parts out;
  out.signer = *first;
  auto found = state_->keys.find(*first);
  bool const raw_fields = found != state_->keys.end();
  if (!raw_fields) {
    if (auto decoded = from_base64(*first)) out.signer = std::move(*decoded);
    found = state_->keys.find(out.signer);
  }
  if (found == state_->keys.end())
    return fail(errc::not_accepted, "no certificate of signer '" + out.signer + "' in security_cert_store", "body");
  out.key = found->second.get();
  auto const size = static_cast<std::size_t>(EVP_PKEY_get_size(out.key));
  auto const field = raw_fields ? take_sized(rest, size) : take_field(rest);
  if (!field) return malformed("has no signature of the key's length");
  auto signature = raw_fields ? std::optional{std::string{*field}} : from_base64(*field);
  auto const type = take_field(rest);
  auto const encoding = take_field(rest);
  if (!signature || !type || !encoding) return malformed("lacks a field");
  out.signature = std::move(*signature);
  out.type = *type;
  out.encoding = *encoding;
  out.payload = rest;
  return out;
}

expected<signed_payload> certificate_store::verify(std::string_view body, std::string const& digest) const {
  auto const raw = from_base64(body);
  if (!raw) return malformed("is no base64");
  auto const in = split(*raw);
  if (!in) return fail(in.error());
  auto const context = pss_context(in->key, digest, false);
  if (!context) return fail(errc::bad_config, digest_problem(digest) + last_problem(), "security_digest");
  auto const& data = in->payload;
  if (EVP_DigestVerify(context.get(), as_octets(in->signature), in->signature.size(), as_octets(data), data.size()) !=
      1) {
    ERR_clear_error();
    return fail(errc::not_accepted, "the signature of '" + in->signer + "' does not fit the body", "body");
  }
  return signed_payload{in->signer, std::string{in->type}, std::string{in->encoding}, std::string{data}};
}

struct message_signer::state {
  key_ptr key;
  std::string id;
  std::string digest;
};

message_signer::message_signer(std::unique_ptr<state> s) : state_{std::move(s)} {}
message_signer::message_signer(message_signer&&) noexcept = default;
message_signer& message_signer::operator=(message_signer&&) noexcept = default;
message_signer::~message_signer() = default;

std::string const& message_signer::signer_id() const noexcept { return state_->id; }

expected<message_signer> message_signer::from_pem(std::string_view key, std::string_view certificate,
                                                  std::string const& digest, std::string const& key_password) {
  auto const bio = memory_bio(key);
  std::string password = key_password;
  auto s = std::make_unique<state>();
  s->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, &password));
  if (!is_rsa(s->key.get()))
    return fail(errc::bad_config, "this is no RSA key in PEM form: " + last_problem(), "security_key");
  auto const read = read_certificate(certificate);
  if (!read)
    return fail(errc::bad_config, "this is no certificate in PEM form: " + last_problem(), "security_certificate");
  if (X509_check_private_key(read.get(), s->key.get()) != 1) {
    ERR_clear_error();
    return fail(errc::bad_config, "security_key is not the key of security_certificate", "security_key");
  }
  if (auto problem = digest_problem(digest); !problem.empty()) {
    ERR_clear_error();
    return fail(errc::bad_config, std::move(problem), "security_digest");
  }
  s->id = signer_id_of(read.get());
  s->digest = digest;
  return message_signer{std::move(s)};
}

expected<std::string> message_signer::sign(std::string_view content_type, std::string_view content_encoding,
                                           std::string_view payload, signed_layout layout) const {
  auto const context = pss_context(state_->key.get(), state_->digest, true);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get())), '\0');
  auto size = signature.size();
  if (!context || EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                                 as_octets(payload), payload.size()) != 1)
    return fail(errc::encode, "cannot sign: " + last_problem(), "security_key");
  signature.resize(size);
  bool const newer = layout == signed_layout::celery_5_5;
  std::string raw;
  for (auto const& field : {newer ? to_base64(state_->id) : state_->id, newer ? to_base64(signature) : signature})
    raw.append(field).append(separator);
  raw.append(content_type).append(separator).append(content_encoding).append(separator).append(payload);
  return to_base64(raw);
}

expected<envelope> open_signed(envelope from, certificate_store const& store, std::string const& digest) {
  if (from.content_type != signed_content_type)
    return fail(errc::not_accepted, "message is not signed, its content type is '" + from.content_type + "'",
                "properties.content_type");
  if (auto const* method = find(from.headers, "compression"); method != nullptr && !method->is_null()) {
    auto const* name = method->get_if<std::string>();
    if (name == nullptr) return fail(errc::decode, "header 'compression' is no text", "headers.compression");
    auto plain = decompress(*name, from.body);
    if (!plain) return fail(plain.error());
    from.body = std::move(*plain);
    std::erase_if(from.headers, [](value::member const& item) { return item.key == "compression"; });
  }
  auto opened = store.verify(from.body, digest);
  if (!opened) return fail(opened.error());
  from.content_type = std::move(opened->content_type);
  from.content_encoding = std::move(opened->content_encoding);
  from.body = std::move(opened->data);
  return from;
}

expected<envelope> seal(envelope from, message_signer const& signer, signed_layout layout,
                        std::string_view compression) {
  if (auto const* method = find(from.headers, "compression"); method != nullptr && !method->is_null())
    return fail(errc::invalid_argument, "sign before compressing: this body is compressed already", "compression");
  auto body = signer.sign(from.content_type, from.content_encoding, from.body, layout);
  if (!body) return fail(body.error());
  from.content_type = signed_content_type;
  from.content_encoding = "utf-8";
  from.body = std::move(*body);
  if (compression.empty()) return from;
  auto packed = compress(compression, from.body);
  if (!packed) return fail(packed.error());
  from.body = std::move(*packed);
  std::erase_if(from.headers, [](value::member const& item) { return item.key == "compression"; });
  from.headers.push_back({"compression", compression_label(compression)});
  return from;
}

}  // namespace lovage::wire
