// Who may log in: lines of a file or of a setting.
#pragma once

#include "web/message.hpp"

#include <lovage/expected.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::web {

/// "name:operator:scrypt$..." is a password, "name:viewer:sha256$..." a token.
struct user_line {
  std::string name;
  web::role role = web::role::viewer;
  std::string secret;
  [[nodiscard]] bool is_token() const noexcept { return secret.starts_with("sha256$"); }
};

[[nodiscard]] std::string to_string(role r);
/// "viewer" or "operator".
[[nodiscard]] std::optional<role> role_of(std::string_view word);
/// Error `bad_config` names the place and the fix, never the secret.
[[nodiscard]] expected<user_line> parse_user(std::string_view line, std::string const& place);

/// *Threads*: any, once filled.
class user_list {
 public:
  /// Adds lines; blank ones and those that begin with # are left out.
  [[nodiscard]] expected<void> add_lines(std::string_view text, std::string const& place);
  /// Errors: `bad_config`: cannot be read, or everybody may read it.
  [[nodiscard]] expected<void> add_file(std::string const& path);

  /// Takes as long for a name that is not there.
  [[nodiscard]] std::optional<user_line> with_password(std::string_view name, std::string_view password) const;
  [[nodiscard]] std::optional<user_line> with_token(std::string_view token) const;
  [[nodiscard]] bool has_passwords() const noexcept;
  [[nodiscard]] bool has_tokens() const noexcept;

 private:
  std::vector<user_line> lines_;
};

/// The file with the line put in place of the one of the same name and kind, or at its end; made with mode 0600, and
/// changed in one step.
[[nodiscard]] expected<void> save_user(std::string const& path, user_line const& line);

}  // namespace lovage::web
