// Who is logged in: a signed text that the browser keeps, nothing that the server must.
#pragma once

#include "core/clock.hpp"
#include "web/message.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::web {

/// "payload.signature" of any text; the purpose keeps one kind of cookie from passing for another.
[[nodiscard]] std::string sign_text(std::string_view key, std::string_view purpose, std::string_view text);
/// What was signed; nothing when somebody else did it, or for another purpose.
[[nodiscard]] std::optional<std::string> signed_text(std::string_view key, std::string_view purpose,
                                                     std::string_view cookie);

/// *Threads*: any.
class login_sessions {
 public:
  login_sessions(std::string key, std::chrono::seconds lasts, now_fn now)
      : key_{std::move(key)}, lasts_{lasts}, now_{std::move(now)} {}

  /// A cookie's value.
  [[nodiscard]] std::string begin(std::string const& user, role r) const;
  /// Nothing when it is not ours, too old, or was ended.
  [[nodiscard]] std::optional<identity> find(std::string_view cookie) const;
  /// From now on it is nobody's, also where it was copied. The newest 10,000 are remembered.
  void end(std::string_view cookie);
  /// What a page of ours sends back with each write; hangs on the session, or without one on this server.
  [[nodiscard]] std::string csrf_token(std::string const& session) const;
  [[nodiscard]] std::chrono::seconds lasts() const noexcept { return lasts_; }
  [[nodiscard]] std::string const& key() const noexcept { return key_; }

 private:
  struct content {
    identity who;
    time_point until;
  };
  [[nodiscard]] std::optional<content> read(std::string_view cookie) const;

  std::string const key_;
  std::chrono::seconds const lasts_;
  now_fn const now_;
  mutable std::mutex mutex_;
  std::map<std::string, time_point> ended_;
};

}  // namespace lovage::web
