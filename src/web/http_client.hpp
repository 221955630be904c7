// Asking other servers over HTTP: OIDC's provider.
#pragma once

#include <lovage/expected.hpp>

#include <chrono>
#include <functional>
#include <string>

namespace lovage::web {

struct http_call {
  std::string url;
  std::string form;            ///< where set, a POST of this form; else a GET
  std::string user, password;  ///< where set, HTTP's Basic scheme
};

/// The body of an answer with a status of 200 to 299.
using fetcher = std::function<expected<std::string>(http_call const&)>;

/// Follows no redirects, verifies certificates, reads at most 1 MiB, waits 10 s. Plain http only to this machine.
/// Errors: `unavailable`, `invalid_argument` (the address). *Threads*: any.
[[nodiscard]] expected<std::string> fetch(http_call const& call);

}  // namespace lovage::web
