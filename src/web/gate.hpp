// Who may do what: everything that is looked at before a handler is called.
//
//   request -> host known? -> who? (cookie, token, password, proxy) -> role enough? -> made by a page of ours? ->
//   handler
#pragma once

#include "core/clock.hpp"
#include "web/login_limit.hpp"
#include "web/login_sessions.hpp"
#include "web/router.hpp"
#include "web/web_settings.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace lovage::web {

/// *Threads*: any. *Lifetime*: the settings outlive it.
class gate {
 public:
  gate(web_settings const& with, now_fn now);

  /// A browser on the way here by a name that is not ours (DNS rebinding) is told 421. Nothing when all is well.
  [[nodiscard]] std::optional<response> check_host(request const& r) const;
  /// Fills in `r.who`; its role is `none` when a login is needed. 429 when passwords were guessed too often.
  [[nodiscard]] std::optional<response> identify(request& r);
  /// 401, 403 with the reason, or nothing.
  [[nodiscard]] std::optional<response> check_access(request const& r, route const& to) const;

  /// POST of {user, password}: a session's cookie in the answer, or 401.
  [[nodiscard]] response log_in(request const& r);
  [[nodiscard]] response log_out(request const& r);
  /// Somebody whom a provider knows: a session's cookie and the way to `next`, a page here (`page_here`), or 403.
  [[nodiscard]] response log_in_as(std::string const& user, std::string const& next);

  [[nodiscard]] std::string csrf_token(request const& r) const { return sessions_.csrf_token(r.who.session); }
  [[nodiscard]] login_sessions const& sessions() const noexcept { return sessions_; }
  /// "name=value" with everything that keeps it from scripts and other sites.
  [[nodiscard]] std::string cookie(std::string const& name, std::string const& text, std::chrono::seconds lasts,
                                   std::string const& path = "/") const;

  static constexpr char const* cookie_name = "lovage_session";
  static constexpr char const* session_path = "/api/v1/session";

 private:
  [[nodiscard]] std::optional<identity> by_proxy(request const& r) const;
  [[nodiscard]] std::optional<identity> by_bearer(std::string_view header) const;
  [[nodiscard]] std::optional<identity> by_basic(std::string_view header, std::string const& peer,
                                                 std::optional<response>& refused);
  [[nodiscard]] identity named(std::string const& user, bool ambient) const;
  [[nodiscard]] bool from_same_site(request const& r) const;
  [[nodiscard]] bool from_our_page(request const& r, route const& to) const;
  [[nodiscard]] std::optional<response> limited(std::string const& name, std::string const& peer) const;
  [[nodiscard]] std::optional<user_line> checked(std::string const& name, std::string const& password,
                                                 std::string const& peer);

  web_settings const& with_;
  now_fn const now_;
  login_sessions sessions_;
  login_limit limit_;
  std::mutex mutex_;
  std::map<std::string, time_point> right_;  // digests of names and passwords that were right, for a minute
};

}  // namespace lovage::web
