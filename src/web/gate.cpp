#include "web/gate.hpp"

#include "core/ids.hpp"
#include "web/crypto.hpp"
#include "web/views.hpp"
#include "wire/base64.hpp"

#include <algorithm>

namespace lovage::web {
namespace {

constexpr std::chrono::minutes password_kept{1};
constexpr std::size_t passwords_kept = 100;

std::string_view after_prefix(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() || header[scheme.size()] != ' ') return {};
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((header[i] | 0x20) != (scheme[i] | 0x20)) return {};
  return header.substr(scheme.size() + 1);
}

std::string host_of_url(std::string_view url) {
  auto const begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  auto const rest = url.substr(begin + 3);
  return host_without_port(rest.substr(0, rest.find('/')));
}

// With its port: another port of this machine is another origin.
std::string_view authority_of(std::string_view origin) {
  auto const begin = origin.find("://");
  return begin == std::string_view::npos ? std::string_view{} : origin.substr(begin + 3);
}

bool is_browser(request const& r) { return r.headers.find("origin") || r.headers.find("sec-fetch-site"); }

bool json_type(request const& r) {
  auto const type = r.headers.get("content-type");
  return type.substr(0, type.find(';')) == "application/json";
}

response login_needed(std::string text) {
  auto out = error_response(401, "login_needed", std::move(text));
  out.headers.add("WWW-Authenticate", "Bearer realm=\"lovage\"");
  return out;
}

}  // namespace

gate::gate(web_settings const& with, now_fn now) : with_{with}, now_{now}, sessions_{with.key, with.session, now} {}

std::optional<response> gate::check_host(request const& r) const {
  auto const host = host_without_port(r.headers.get("host"));
  auto const& allowed = with_.allowed_hosts;
  bool const listed = std::find(allowed.begin(), allowed.end(), host) != allowed.end() ||
                      std::find(allowed.begin(), allowed.end(), "*") != allowed.end();
  // An address cannot be rebound. Without a login, beyond loopback, a page of anybody's could still name ours.
  if (host.empty() || listed || is_loopback(host) || is_address(host) || host == with_.host || host == host_name() ||
      host == host_of_url(with_.public_url))
    return std::nullopt;
  return error_response(421, "wrong_host",
                        "this server does not go by the name '" + host + "'; if it should, add it to web_allowed_hosts",
                        "web_allowed_hosts");
}

identity gate::named(std::string const& user, bool ambient) const {
  identity out;
  out.user = user;
  out.ambient = ambient;
  bool const may = with_.allowed.empty() || fits_any(with_.allowed, user);
  out.role = !may ? role::none : fits_any(with_.operators, user) ? role::operate : role::viewer;
  return out;
}

std::optional<identity> gate::by_proxy(request const& r) const {
  if (with_.proxy_header.empty() || !contains(with_.proxies, r.peer)) return std::nullopt;
  auto const* user = r.headers.find(with_.proxy_header);
  if (!user || user->empty()) return std::nullopt;
  return named(*user, true);
}

std::optional<identity> gate::by_bearer(std::string_view header) const {
  auto const user = with_.users.with_token(after_prefix(header, "Bearer"));
  if (!user) return std::nullopt;
  return identity{user->name, user->role, false, {}};
}

std::optional<response> gate::limited(std::string const& name, std::string const& peer) const {
  auto const wait = std::max(limit_.wait("name:" + name, now_()), limit_.wait("peer:" + peer, now_()));
  if (wait.count() == 0) return std::nullopt;
  auto out = error_response(429, "too_many_tries",
                            "too many wrong passwords; try again in " + std::to_string(wait.count()) + " s");
  out.headers.add("Retry-After", std::to_string(wait.count()));
  return out;
}

std::optional<user_line> gate::checked(std::string const& name, std::string const& password, std::string const& peer) {
  auto user = with_.users.with_password(name, password);
  if (user) {
    limit_.succeeded("name:" + name);
  } else {
    limit_.failed("name:" + name, now_());
    // Behind a proxy all people have one address.
    if (!is_loopback(peer) && !contains(with_.proxies, peer)) limit_.failed("peer:" + peer, now_());
  }
  return user;
}

// Scripts send their password with each request: what was right a moment ago is not computed again.
std::optional<identity> gate::by_basic(std::string_view header, std::string const& peer,
                                       std::optional<response>& refused) {
  auto const pair = wire::from_base64(after_prefix(header, "Basic"));
  if (!pair || !with_.users.has_passwords()) return std::nullopt;
  auto const colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  auto const name = pair->substr(0, colon), password = pair->substr(colon + 1);
  auto const digest = hmac_sha256(with_.key, "basic\n" + *pair);
  {
    std::lock_guard const lock{mutex_};
    std::erase_if(right_, [now = now_()](auto const& each) { return each.second <= now; });
    if (right_.count(digest + "operator") > 0) return identity{name, role::operate, true, {}};
    if (right_.count(digest + "viewer") > 0) return identity{name, role::viewer, true, {}};
  }
  refused = limited(name, peer);
  if (refused) return std::nullopt;
  auto const user = checked(name, password, peer);
  if (!user) return std::nullopt;
  std::lock_guard const lock{mutex_};
  if (right_.size() < passwords_kept) right_[digest + to_string(user->role)] = now_() + password_kept;
  return identity{name, user->role, true, {}};
}

std::optional<response> gate::identify(request& r) {
  r.who = {};
  if (!with_.needs_login()) {
    r.who.role = role::operate;
    return std::nullopt;
  }
  if (auto const* header = r.headers.find("authorization")) {
    std::optional<response> refused;
    auto who = by_bearer(*header);
    if (!who) who = by_basic(*header, r.peer, refused);
    if (refused) return refused;
    if (who) r.who = *std::move(who);
    return std::nullopt;
  }
  auto who = by_proxy(r);
  if (!who) who = sessions_.find(cookie_of(r, cookie_name));
  if (who) r.who = *std::move(who);
  return std::nullopt;
}

// Told by browsers; programs tell nothing.
bool gate::from_same_site(request const& r) const {
  if (auto const* origin = r.headers.find("origin"))
    if (authority_of(*origin) != r.headers.get("host") && *origin != with_.public_url) return false;
  auto const site = r.headers.get("sec-fetch-site");
  return site.empty() || site == "same-origin" || site == "none";
}

// Browsers add cookies, passwords and proxies' headers by themselves, whoever's page asks. A page of ours shows a token
// that no other page can read; a program, for Flower's paths, that it is no browser.
bool gate::from_our_page(request const& r, route const& to) const {
  if (!from_same_site(r)) return false;
  if (!r.who.ambient || same_secret(r.headers.get("x-csrf-token"), csrf_token(r))) return true;
  return to.flower && !is_browser(r) && r.who.session.empty();
}

std::optional<response> gate::check_access(request const& r, route const& to) const {
  bool const login = to.pattern == session_path && r.method == "POST";
  if (to.access != access::open && r.who.role == role::none)
    return r.who.user.empty() ? login_needed("log in first: POST /api/v1/session, or send a bearer token")
                              : error_response(403, "not_allowed", "'" + r.who.user + "' is not in web_auth_allowed",
                                               "web_auth_allowed");
  if (to.access == access::operate && with_.read_only)
    return error_response(403, "read_only", "this dashboard only shows; start it without web_read_only to act",
                          "web_read_only");
  if (to.access == access::operate && r.who.role != role::operate)
    return error_response(403, "not_allowed", "'" + r.who.user + "' is a viewer; only operators may do this");
  if (r.reads()) return std::nullopt;
  if (!to.flower && !r.body.empty() && !json_type(r))
    return error_response(415, "not_json", "send JSON with Content-Type: application/json");
  // Nobody is logged in yet where somebody logs in: there, that no other site asks is enough.
  bool const ours = login ? from_same_site(r) : from_our_page(r, to);
  if (!ours) return error_response(403, "csrf", "send the header X-CSRF-Token with what GET /api/v1/session gives");
  return std::nullopt;
}

std::string gate::cookie(std::string const& name, std::string const& text, std::chrono::seconds lasts,
                         std::string const& path) const {
  // A provider's redirect comes from another site: Strict would leave the browser without its session there.
  auto const site = with_.oidc ? "Lax" : "Strict";
  return name + "=" + text + "; Path=" + path + "; Max-Age=" + std::to_string(lasts.count()) +
         "; HttpOnly; SameSite=" + site + (with_.is_https() ? "; Secure" : "");
}

response gate::log_in(request const& r) {
  auto const body = json_body(r);
  if (!body) return error_response(body.error());
  auto const name = text_of(*body, "user"), password = text_of(*body, "password");
  if (!with_.users.has_passwords())
    return error_response(400, "no_passwords", "nobody has a password here; see web_auth_file", "web_auth_file");
  if (auto wait = limited(name, r.peer)) return *std::move(wait);
  auto const user = checked(name, password, r.peer);
  if (!user) return error_response(401, "wrong_password", "the name or the password is wrong");
  response out;
  out.status = 200;
  out.headers.add("Set-Cookie", cookie(cookie_name, sessions_.begin(user->name, user->role), sessions_.lasts()));
  return out;
}

response gate::log_in_as(std::string const& user, std::string const& next) {
  auto const who = named(user, true);
  if (who.role == role::none)
    return error_response(403, "not_allowed", "'" + user + "' is not in web_auth_allowed", "web_auth_allowed");
  auto out = redirect_to(next);
  out.headers.add("Set-Cookie", cookie(cookie_name, sessions_.begin(user, who.role), sessions_.lasts()));
  return out;
}

response gate::log_out(request const& r) {
  sessions_.end(cookie_of(r, cookie_name));
  response out = json_response(value::map{{"done", true}});
  out.headers.add("Set-Cookie", cookie(cookie_name, "", std::chrono::seconds{0}));
  return out;
}

}  // namespace lovage::web
