#include "web/web_settings.hpp"

#include "config/name_pattern.hpp"
#include "config/setting_text.hpp"
#include "web/crypto.hpp"

#include <algorithm>

namespace lovage::web {
namespace {

expected<void> read_users(config const& c, web_settings& out) {
  if (auto const path = c.web_auth_file(); !path.empty())
    if (auto ok = out.users.add_file(path); !ok) return ok;
  for (auto const& line : c.web_auth_users())
    if (auto ok = out.users.add_lines(line, "web_auth_users"); !ok) return ok;
  return {};
}

expected<void> read_proxy(config const& c, web_settings& out) {
  out.proxy_header = settings::lowered(c.web_auth_proxy_header());
  for (auto const& text : c.web_auth_proxies()) {
    auto range = address_range::parse(text, "web_auth_proxies");
    if (!range) return fail(range.error());
    out.proxies.push_back(*std::move(range));
  }
  if (!out.proxy_header.empty() && out.proxies.empty())
    return fail(errc::bad_config, "name the addresses of the proxies that may set '" + c.web_auth_proxy_header() + "'",
                "web_auth_proxies");
  return {};
}

expected<void> read_oidc(config const& c, web_settings& out) {
  if (c.web_auth_oidc_issuer().empty()) return {};
  oidc_settings with{c.web_auth_oidc_issuer(), c.web_auth_oidc_client_id(), c.web_auth_oidc_client_secret()};
  if (with.client_id.empty())
    return fail(errc::bad_config, "set the id under which the provider knows this program", "web_auth_oidc_client_id");
  if (out.public_url.empty())
    return fail(errc::bad_config, "OIDC needs the address that browsers use, such as https://jobs.example.org",
                "web_public_url");
  if (out.allowed.empty())
    return fail(errc::bad_config, "name who may log in, such as *@example.org; * is everybody that the provider knows",
                "web_auth_allowed");
  out.oidc = std::move(with);
  return {};
}

// Beyond this machine only with a login, unless somebody said that it is meant.
expected<void> check_reach(web_settings const& with) {
  if (is_loopback(with.host) || with.needs_login() || with.allow_anonymous) return {};
  return fail(
      errc::bad_config,
      "whoever reaches " + with.host +
          " could stop workers and purge queues: make a user with 'lovage web passwd NAME --save users.txt' and "
          "set web_auth_file = \"users.txt\", or stay on 127.0.0.1, or set web_allow_anonymous = true",
      "web_host");
}

}  // namespace

bool fits_any(std::vector<std::string> const& globs, std::string const& name) {
  return std::any_of(globs.begin(), globs.end(), [&](std::string const& glob) {
    if (glob.size() > 1 && glob.front() == '/') return false;  // no regular expressions here
    auto const pattern = name_pattern::compile(glob);
    return pattern && pattern->matches(name);
  });
}

expected<web_settings> web_settings::of(config const& c) {
  web_settings out;
  out.host = c.web_host();
  out.port = static_cast<std::uint16_t>(c.web_port());
  for (auto const& h : c.web_allowed_hosts()) out.allowed_hosts.push_back(settings::lowered(h));
  out.public_url = c.web_public_url();
  while (!out.public_url.empty() && out.public_url.back() == '/') out.public_url.pop_back();
  out.read_only = c.web_read_only();
  out.mask_arguments = c.web_mask_arguments();
  out.allow_anonymous = c.web_allow_anonymous();
  out.allowed = c.web_auth_allowed();
  out.operators = c.web_auth_operators();
  out.session = std::chrono::duration_cast<std::chrono::seconds>(c.web_auth_session());
  out.key = c.web_auth_secret();
  if (!out.key.empty() && out.key.size() < 32)
    return fail(errc::bad_config, "a secret of less than 32 characters could be guessed", "web_auth_secret");
  if (out.key.empty()) out.key = random_octets(32);
  for (auto* const step : {&read_users, &read_proxy, &read_oidc})
    if (auto ok = step(c, out); !ok) return fail(ok.error());
  if (auto ok = check_reach(out); !ok) return fail(ok.error());
  return out;
}

bool web_settings::needs_login() const noexcept {
  return users.has_passwords() || users.has_tokens() || !proxy_header.empty() || oidc.has_value();
}

std::vector<std::string> web_settings::ways() const {
  std::vector<std::string> out;
  if (users.has_passwords()) out.emplace_back("password");
  if (users.has_tokens()) out.emplace_back("token");
  if (!proxy_header.empty()) out.emplace_back("proxy");
  if (oidc) out.emplace_back("oidc");
  return out;
}

}  // namespace lovage::web
