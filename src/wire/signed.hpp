// Signed messages: Celery's serializer `auth` (wire-format 14). RSA, PSS padding with the longest salt.
#pragma once

#include "wire/envelope.hpp"

#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace lovage::wire {

/// The two layouts cannot read each other in Python; lovage reads both and must be told which to write.
enum class signed_layout {
  celery_5_2,  ///< 5.2 to 5.4: raw fields
  celery_5_5,  ///< 5.5 and later: signer and signature in base64
};

/// What was signed, and by whom.
struct signed_payload {
  std::string signer;  ///< issuer names of the certificate and its serial number: "NO Wire Test signer 4812..."
  std::string content_type;
  std::string content_encoding;
  std::string data;
};

/// Certificates of those whose messages are accepted (setting `security_cert_store`).
///
/// *Threads*: `verify` from any thread once filled.
class certificate_store {
 public:
  certificate_store();
  certificate_store(certificate_store&&) noexcept;
  certificate_store& operator=(certificate_store&&) noexcept;
  ~certificate_store();

  /// Adds one certificate in PEM and gives its signer id. *On failure*: `bad_config` when it is no certificate with an
  /// RSA key, or has expired at `now`.
  [[nodiscard]] expected<std::string> add_pem(std::string_view pem, time_point now);
  [[nodiscard]] std::size_t size() const noexcept;

  /// Takes a signed body apart and checks it. `digest` is the setting `security_digest`.
  /// *On failure*: `decode` (not of this form), `not_accepted` (unknown signer, wrong signature).
  [[nodiscard]] expected<signed_payload> verify(std::string_view body, std::string const& digest = "sha256") const;

 private:
  struct state;
  struct parts;
  [[nodiscard]] expected<parts> split(std::string_view raw) const;
  std::unique_ptr<state> state_;
};

/// A private key and its certificate (settings `security_key`, `security_certificate`).
///
/// *Threads*: `sign` from any thread.
class message_signer {
 public:
  /// *On failure*: `bad_config` when one of the two cannot be read, is no RSA, or they do not belong together.
  [[nodiscard]] static expected<message_signer> from_pem(std::string_view key, std::string_view certificate,
                                                         std::string const& digest = "sha256",
                                                         std::string const& key_password = {});
  message_signer(message_signer&&) noexcept;
  message_signer& operator=(message_signer&&) noexcept;
  ~message_signer();

  [[nodiscard]] std::string const& signer_id() const noexcept;
  /// The text that goes out with content type "application/data". *On failure*: `encode`.
  [[nodiscard]] expected<std::string> sign(std::string_view content_type, std::string_view content_encoding,
                                           std::string_view payload, signed_layout layout) const;

 private:
  struct state;
  explicit message_signer(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

inline constexpr char const* signed_content_type = "application/data";

/// Turns a signed envelope into the one that was signed, for `decode_task` and its like; undoes compression.
/// *On failure*: `not_accepted` when it is not signed at all; else as `verify` and `decompress`.
[[nodiscard]] expected<envelope> open_signed(envelope from, certificate_store const& store,
                                             std::string const& digest = "sha256");

/// Signs the body of an envelope, then compresses it if asked. *Requires*: `from` is not compressed yet.
/// *On failure*: `invalid_argument` when it is, `encode`.
[[nodiscard]] expected<envelope> seal(envelope from, message_signer const& signer, signed_layout layout,
                                      std::string_view compression = {});

}  // namespace lovage::wire
