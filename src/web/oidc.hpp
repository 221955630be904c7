// Logging in at an OpenID Connect provider: authorization code with PKCE.
//
//   browser --GET /login/oidc--> begin() --302--> provider --302 code, state--> finish() --code, verifier--> provider
//                                                                               id_token: signature, issuer, nonce ...
#pragma once

#include "core/clock.hpp"
#include "web/http_client.hpp"
#include "web/message.hpp"

#include <lovage/expected.hpp>

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::web {

struct oidc_settings {
  std::string issuer;  ///< "https://login.example.org"
  std::string client_id, client_secret;
  std::string scopes = "openid email profile";
};

/// What a browser is sent away with.
struct oidc_start {
  std::string url;
  std::string cookie;  ///< to come back with; signed, good for ten minutes
};

struct oidc_login {
  std::string user;  ///< their name
  std::string next;  ///< the page they wanted
};

/// The address, if it is one of a page here; else "/". What would lead elsewhere is none: "//host", "https://host".
[[nodiscard]] std::string page_here(std::string_view address);

/// Checks an ID token's signature (RS256), issuer, audience, times and nonce; gives its claims. `keys` is a JWK set.
/// Errors: `not_accepted` with what is wrong; `not_registered` when no key has the token's id.
[[nodiscard]] expected<value> check_id_token(std::string_view token, value const& keys, oidc_settings const& with,
                                             std::string_view nonce, time_point now);
/// The verified e-mail address, else the preferred name, else the subject.
[[nodiscard]] std::string user_of_claims(value const& claims);

/// *Threads*: any. What the provider says of itself is asked for at the first login, and again after an hour.
class oidc {
 public:
  /// `key` signs cookies.
  oidc(oidc_settings with, std::string key, fetcher ask, now_fn now)
      : with_{std::move(with)}, key_{std::move(key)}, ask_{std::move(ask)}, now_{std::move(now)} {}

  /// `back`: where the provider sends the browser, ".../login/oidc/callback"; `next`: the page wanted after that.
  /// Errors: as of the fetcher; `decode`.
  [[nodiscard]] expected<oidc_start> begin(std::string const& back, std::string_view next = "/");
  /// Errors: `not_accepted` where the answer is not one to a login that this browser began.
  [[nodiscard]] expected<oidc_login> finish(request const& r, std::string const& cookie, std::string const& back);

  static constexpr char const* cookie_name = "lovage_login";
  static constexpr std::chrono::minutes cookie_lasts{10};

 private:
  struct provider {
    std::string authorize, token, keys;
  };
  [[nodiscard]] expected<provider> discover();
  [[nodiscard]] expected<value> key_set(std::string const& url, bool anew);
  [[nodiscard]] expected<value> claims_of(std::string const& token, std::string const& keys_url,
                                          std::string const& nonce);

  oidc_settings const with_;
  std::string const key_;
  fetcher const ask_;
  now_fn const now_;
  std::mutex mutex_;
  std::optional<provider> provider_;
  std::optional<value> keys_;
  time_point provider_until_{}, keys_at_{};
};

}  // namespace lovage::web
