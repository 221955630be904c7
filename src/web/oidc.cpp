#include "web/oidc.hpp"

#include "web/crypto.hpp"
#include "web/login_sessions.hpp"

#include <lovage/json.hpp>

#include <algorithm>
#include <array>

namespace lovage::web {
namespace {

constexpr std::string_view login_purpose = "oidc";
constexpr std::chrono::seconds clock_skew{60};

std::string claim(value const& v, std::string_view key) {
  auto const* at = v.find(key);
  auto const* text = at ? at->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

std::optional<double> number_claim(value const& v, std::string_view key) {
  auto const* at = v.find(key);
  if (!at) return std::nullopt;
  if (auto const* n = at->get_if<std::int64_t>()) return static_cast<double>(*n);
  if (auto const* d = at->get_if<double>()) return *d;
  return std::nullopt;
}

double seconds_of(time_point t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

failure refused(std::string text) {
  return fail(errc::not_accepted, "the login was refused: " + std::move(text), "oidc");
}

expected<value> json_of(std::string_view text, std::string const& what) {
  try {
    return from_json(text);
  } catch (error const& e) {
    return fail(errc::decode, "the provider's " + what + " is no JSON: " + e.info().detail, "oidc");
  }
}

expected<value> json_part(std::string_view part, std::string const& what) {
  auto const text = from_base64url(part);
  if (!text) return refused("the token's " + what + " is not Base64");
  return json_of(*text, what);
}

value const* key_of(value const& keys, std::string_view id) {
  auto const* list = keys.find("keys");
  auto const* all = list ? list->get_if<value::list>() : nullptr;
  if (!all) return nullptr;
  for (auto const& k : *all)
    if (claim(k, "kty") == "RSA" && (id.empty() ? all->size() == 1 : claim(k, "kid") == id)) return &k;
  return nullptr;
}

bool is_for(value const& claims, std::string_view client) {
  auto const* aud = claims.find("aud");
  if (!aud) return false;
  if (auto const* one = aud->get_if<std::string>()) return *one == client;
  auto const* many = aud->get_if<value::list>();
  if (!many) return false;
  bool among = false;
  for (auto const& each : *many)
    if (auto const* text = each.get_if<std::string>(); text && *text == client) among = true;
  return among && (many->size() == 1 || claim(claims, "azp") == client);
}

expected<void> check_claims(value const& claims, oidc_settings const& with, std::string_view nonce, time_point now) {
  auto const at = seconds_of(now), skew = static_cast<double>(clock_skew.count());
  if (claim(claims, "iss") != with.issuer) return refused("the token is of another issuer");
  if (!is_for(claims, with.client_id)) return refused("the token is for another program");
  auto const until = number_claim(claims, "exp");
  if (!until || *until + skew <= at) return refused("the token has expired");
  if (auto const from = number_claim(claims, "nbf"); from && *from - skew > at)
    return refused("the token is not good yet");
  if (auto const made = number_claim(claims, "iat"); made && *made - skew > at)
    return refused("the token is of the future");
  if (nonce.empty() || !same_secret(claim(claims, "nonce"), nonce)) return refused("the token is of another login");
  return {};
}

}  // namespace

expected<value> check_id_token(std::string_view token, value const& keys, oidc_settings const& with,
                               std::string_view nonce, time_point now) {
  auto const first = token.find('.');
  auto const second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return refused("there is no ID token");
  auto const head = json_part(token.substr(0, first), "token");
  if (!head) return fail(head.error());
  if (claim(*head, "alg") != "RS256") return refused("tokens must be signed with RS256");
  auto const* key = key_of(keys, claim(*head, "kid"));
  if (!key) return fail(errc::not_registered, "the login was refused: the token's key is unknown", "oidc");
  auto const modulus = from_base64url(claim(*key, "n")), exponent = from_base64url(claim(*key, "e"));
  auto const signature = from_base64url(token.substr(second + 1));
  if (!modulus || !exponent || !signature || !check_rs256(token.substr(0, second), *signature, *modulus, *exponent))
    return refused("the token's signature is wrong");
  auto claims = json_part(token.substr(first + 1, second - first - 1), "claims");
  if (!claims) return fail(claims.error());
  if (auto ok = check_claims(*claims, with, nonce, now); !ok) return fail(ok.error());
  return claims;
}

std::string page_here(std::string_view address) {
  bool const plain = address.size() <= 1'024 && std::all_of(address.begin(), address.end(),
                                                            [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
  bool const here = address.starts_with('/') && !address.starts_with("//");
  return plain && here ? std::string{address} : std::string{"/"};
}

std::string user_of_claims(value const& claims) {
  auto const* verified = claims.find("email_verified");
  auto const* flag = verified ? verified->get_if<bool>() : nullptr;
  auto const email = claim(claims, "email");
  if (!email.empty() && flag && *flag) return email;
  // A name with an @ that nobody verified could be taken for an address.
  auto const name = claim(claims, "preferred_username");
  if (!name.empty() && name.find('@') == std::string::npos) return name;
  return claim(claims, "sub");
}

expected<oidc::provider> oidc::discover() {
  {
    std::lock_guard const lock{mutex_};
    if (provider_ && now_() < provider_until_) return *provider_;
  }
  auto base = with_.issuer;
  while (!base.empty() && base.back() == '/') base.pop_back();
  auto const text = ask_({base + "/.well-known/openid-configuration", {}, {}, {}});
  if (!text) return fail(text.error());
  auto const of = json_of(*text, "description");
  if (!of) return fail(of.error());
  if (claim(*of, "issuer") != with_.issuer)
    return fail(errc::bad_config, "the provider calls itself '" + claim(*of, "issuer") + "'; write it so",
                "web_auth_oidc_issuer");
  provider out{claim(*of, "authorization_endpoint"), claim(*of, "token_endpoint"), claim(*of, "jwks_uri")};
  if (out.authorize.empty() || out.token.empty() || out.keys.empty())
    return fail(errc::decode, "the provider's description lacks its endpoints", "oidc");
  std::lock_guard const lock{mutex_};
  provider_ = out;
  provider_until_ = now_() + std::chrono::hours{1};
  return out;
}

expected<oidc_start> oidc::begin(std::string const& back, std::string_view next) {
  auto const to = discover();
  if (!to) return fail(to.error());
  auto const state = random_text(), nonce = random_text(), verifier = random_text();
  auto const until = std::chrono::duration_cast<std::chrono::seconds>((now_() + cookie_lasts).time_since_epoch());
  value::map const kept{
      {"state", state}, {"nonce", nonce}, {"verifier", verifier}, {"next", page_here(next)}, {"until", until.count()}};
  std::array<std::pair<char const*, std::string>, 8> const query{{{"response_type", "code"},
                                                                  {"client_id", with_.client_id},
                                                                  {"redirect_uri", back},
                                                                  {"scope", with_.scopes},
                                                                  {"state", state},
                                                                  {"nonce", nonce},
                                                                  {"code_challenge", to_base64url(sha256(verifier))},
                                                                  {"code_challenge_method", "S256"}}};
  oidc_start out{to->authorize, sign_text(key_, login_purpose, to_json(kept))};
  char between = to->authorize.find('?') == std::string::npos ? '?' : '&';
  for (auto const& [name, text] : query) {
    out.url += between + std::string{name} + "=" + percent_encoded(text);
    between = '&';
  }
  return out;
}

expected<value> oidc::key_set(std::string const& url, bool anew) {
  {
    std::lock_guard const lock{mutex_};
    auto const age = now_() - keys_at_;
    bool const good = keys_ && age < std::chrono::hours{1} && (!anew || age < std::chrono::minutes{1});
    if (good) return *keys_;
  }
  auto const text = ask_({url, {}, {}, {}});
  if (!text) return fail(text.error());
  auto keys = json_of(*text, "keys");
  if (!keys) return fail(keys.error());
  std::lock_guard const lock{mutex_};
  keys_ = *keys;
  keys_at_ = now_();
  return keys;
}

expected<value> oidc::claims_of(std::string const& token, std::string const& keys_url, std::string const& nonce) {
  for (bool const anew : {false, true}) {  // a provider changes its keys now and then
    auto const keys = key_set(keys_url, anew);
    if (!keys) return fail(keys.error());
    auto claims = check_id_token(token, *keys, with_, nonce, now_());
    if (claims || anew || claims.error().code != errc::not_registered) return claims;
  }
  return refused("the token's key is unknown");
}

expected<oidc_login> oidc::finish(request const& r, std::string const& cookie, std::string const& back) {
  auto const text = signed_text(key_, login_purpose, cookie);
  if (!text) return refused("this browser began no login; go to /login and try again");
  auto const kept = json_of(*text, "state");
  if (!kept) return fail(kept.error());
  if (number_claim(*kept, "until").value_or(0) < seconds_of(now_())) return refused("it took more than ten minutes");
  if (!same_secret(claim(*kept, "state"), r.query.get("state"))) return refused("the answer is to another login");
  if (auto const* failed = r.query.find("error")) return refused("the provider says '" + *failed + "'");
  auto const to = discover();
  if (!to) return fail(to.error());
  std::string form = "grant_type=authorization_code&code=" + percent_encoded(r.query.get("code")) +
                     "&redirect_uri=" + percent_encoded(back) +
                     "&code_verifier=" + percent_encoded(claim(*kept, "verifier"));
  if (with_.client_secret.empty()) form += "&client_id=" + percent_encoded(with_.client_id);
  auto const user = with_.client_secret.empty() ? std::string{} : percent_encoded(with_.client_id);
  auto const answer = ask_({to->token, form, user, percent_encoded(with_.client_secret)});
  if (!answer) return fail(answer.error());
  auto const tokens = json_of(*answer, "tokens");
  if (!tokens) return fail(tokens.error());
  auto const claims = claims_of(claim(*tokens, "id_token"), to->keys, claim(*kept, "nonce"));
  if (!claims) return fail(claims.error());
  auto name = user_of_claims(*claims);
  if (name.empty()) return refused("the provider tells no name");
  return oidc_login{std::move(name), page_here(claim(*kept, "next"))};
}

}  // namespace lovage::web
