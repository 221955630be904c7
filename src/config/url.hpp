// Addresses of brokers and backends: "scheme://user:password@host:port/path?key=value".
#pragma once

#include <lovage/expected.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage {

/// The parts of one address, percent-decoded.
struct url {
  std::string scheme;  ///< lower case, such as "redis", "sqlite", "sqla+postgresql"
  std::string user;
  std::string password;
  std::string host;                   ///< without the brackets of an IPv6 address; empty when none is named
  std::optional<std::uint16_t> port;  ///< nothing when none is named
  /// What follows the slash behind the host, without that slash: "0" of `redis://h/0`, "/" of `amqp://h//`, "a.db" of
  /// `sqlite:///a.db` (relative), "/var/a.db" of `sqlite:////var/a.db` (absolute).
  std::string path;
  std::map<std::string, std::string, std::less<>> query;  ///< the last of equal keys

  friend bool operator==(url const&, url const&) = default;
};

/// Reads one address. *On failure*: `bad_config` with a sentence that names the fix and never the password.
[[nodiscard]] expected<url> parse_url(std::string_view text);

/// Reads one address or several separated by `;` (a failover list). At least one.
[[nodiscard]] expected<std::vector<url>> parse_urls(std::string_view text);

/// The text with `**` in place of every password, also of one that is not a valid address. Text without "://" stays.
///
///     mask_url("redis://:hunter2@localhost/0") == "redis://:**@localhost/0"
[[nodiscard]] std::string mask_url(std::string_view text);

/// `sqlite:///` and the path, with what a URL cannot hold escaped.
[[nodiscard]] std::string sqlite_url(std::string_view path);

}  // namespace lovage
