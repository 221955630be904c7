// The dashboard's settings, read and checked together.
#pragma once

#include "web/oidc.hpp"
#include "web/peers.hpp"
#include "web/users.hpp"

#include <lovage/config.hpp>
#include <lovage/expected.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lovage::web {

/// Names as globs: "ann@example.org", "*@example.org", "*".
[[nodiscard]] bool fits_any(std::vector<std::string> const& globs, std::string const& name);

struct web_settings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5555;
  std::vector<std::string> allowed_hosts;
  std::string public_url;  ///< without a slash at its end; empty: not said
  bool read_only = false, mask_arguments = false, allow_anonymous = false;
  std::string assets;  ///< folder that is served instead of what is built in; empty: none

  user_list users;
  std::string proxy_header;  ///< in lower case; empty: none
  std::vector<address_range> proxies;
  std::optional<oidc_settings> oidc;
  std::vector<std::string> allowed;    ///< who may log in by proxy or OIDC
  std::vector<std::string> operators;  ///< who of them is an operator
  std::string key;                     ///< signs cookies
  std::chrono::seconds session{12 * 3'600};

  /// Errors: `bad_config`, which names the setting and the fix. Refuses to serve everybody by mistake.
  [[nodiscard]] static expected<web_settings> of(config const& c);
  [[nodiscard]] bool needs_login() const noexcept;
  [[nodiscard]] bool is_https() const noexcept { return public_url.starts_with("https://"); }
  /// "password", "token", "proxy", "oidc".
  [[nodiscard]] std::vector<std::string> ways() const;
};

}  // namespace lovage::web
