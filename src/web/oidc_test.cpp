#include "web/oidc.hpp"

#include "web/crypto.hpp"
#include "web/login_sessions.hpp"

#include <lovage/json.hpp>

#include <gtest/gtest.h>

#include <memory>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

namespace lovage::web {
namespace {

using namespace std::chrono_literals;

/// A key of a provider.
class signing_key {
 public:
  explicit signing_key(std::string id) : id_{std::move(id)}, key_{EVP_RSA_gen(2048), EVP_PKEY_free} {}

  std::string sign(std::string const& text) const {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> const c{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    std::string out(256, '\0');
    std::size_t size = out.size();
    EVP_DigestSignInit(c.get(), nullptr, EVP_sha256(), nullptr, key_.get());
    EVP_DigestSign(c.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                   reinterpret_cast<unsigned char const*>(text.data()), text.size());
    return out;
  }
  value jwk() const {
    return value::map{
        {"kty", "RSA"}, {"kid", id_}, {"n", number(OSSL_PKEY_PARAM_RSA_N)}, {"e", number(OSSL_PKEY_PARAM_RSA_E)}};
  }
  std::string token(value::map const& claims, char const* alg = "RS256") const {
    auto const text =
        to_base64url(to_json(value::map{{"alg", alg}, {"kid", id_}})) + "." + to_base64url(to_json(claims));
    return text + "." + to_base64url(sign(text));
  }

 private:
  std::string number(char const* name) const {
    BIGNUM* n = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &n);
    std::string out(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
    BN_bn2bin(n, reinterpret_cast<unsigned char*>(out.data()));
    BN_free(n);
    return to_base64url(out);
  }
  std::string id_;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

signing_key const& first_key() {
  static signing_key const key{"first"};
  return key;
}
signing_key const& second_key() {
  static signing_key const key{"second"};
  return key;
}

/// A provider in this process, and a browser that goes there.
class Oidc : public ::testing::Test {
 protected:
  static constexpr char const* issuer = "https://login.example.org";
  static constexpr char const* back = "https://jobs.example.org/login/oidc/callback";

  expected<std::string> provide(http_call const& call) {
    ++calls[call.url];
    if (call.url == std::string{issuer} + "/.well-known/openid-configuration")
      return to_json(value::map{{"issuer", says_issuer},
                                {"authorization_endpoint", "https://login.example.org/auth"},
                                {"token_endpoint", "https://login.example.org/token"},
                                {"jwks_uri", "https://login.example.org/keys"}});
    if (call.url == "https://login.example.org/keys") return to_json(value::map{{"keys", value::list{key->jwk()}}});
    if (call.url != "https://login.example.org/token") return fail(errc::unavailable, "404", call.url);
    asked = decode_form(call.form);
    secret = call.password;
    if (to_base64url(sha256(asked.get("code_verifier"))) != challenge) return fail(errc::unavailable, "400", call.url);
    return to_json(value::map{{"id_token", signer->token(claims)}});
  }

  /// What the provider gets of the browser; claims of a token that fits.
  std::string go(std::string const& next = "/") {
    auto const begun = login.begin(back, next).value();
    auto const query = decode_form(std::string_view{begun.url}.substr(begun.url.find('?') + 1));
    challenge = query.get("code_challenge");
    state = query.get("state");
    redirect = query.get("redirect_uri");
    auto const at = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    claims = {{"iss", issuer},
              {"aud", "lovage"},
              {"sub", "7"},
              {"iat", at},
              {"exp", at + 300},
              {"email", "ann@example.org"},
              {"email_verified", true},
              {"nonce", std::string{query.get("nonce")}}};
    return begun.cookie;
  }
  request returning() const {
    request r;
    r.method = "GET";
    r.query.add("code", "the code");
    r.query.add("state", state);
    return r;
  }
  void claim(char const* name, value v) {
    for (auto& c : claims)
      if (c.key == name) c.val = std::move(v);
  }
  std::string refusal(std::string const& cookie) {
    auto const out = login.finish(returning(), cookie, back);
    return out ? "let in " + out->user : out.error().detail;
  }

  time_point now{1'800'000'000s};
  std::string says_issuer = issuer, challenge, state, redirect, secret;
  fields asked;
  value::map claims;
  signing_key const* key = &first_key();
  signing_key const* signer = &first_key();
  std::map<std::string, int> calls;
  oidc login{{issuer, "lovage", "the secret"},
             "cookie key",
             [this](auto const& c) { return provide(c); },
             [this] { return now; }};
};

TEST_F(Oidc, ALoginGoesThereAndBack) {
  auto const cookie = go();
  EXPECT_EQ(redirect, back);
  EXPECT_EQ(login.finish(returning(), cookie, back).value().user, "ann@example.org");
  EXPECT_EQ(asked.get("code"), "the code");
  EXPECT_EQ(asked.get("redirect_uri"), back);
  EXPECT_EQ(secret, "the%20secret");
}

TEST_F(Oidc, ALoginEndsAtThePageThatWasWanted) {
  for (auto const& [wanted, got] : std::vector<std::pair<std::string, std::string>>{
           {"/tasks?q=a%20b&state=FAILURE", "/tasks?q=a%20b&state=FAILURE"},
           {"", "/"},
           {"//elsewhere.example.com/", "/"},
           {"/\\elsewhere.example.com", "/"},
           {"https://elsewhere.example.com/", "/"},
           {"/tasks\r\nSet-Cookie: a=b", "/"},
           {"/" + std::string(2'000, 'x'), "/"}}) {
    auto const cookie = go(wanted);
    EXPECT_EQ(login.finish(returning(), cookie, back).value().next, got) << wanted;
  }
}

TEST_F(Oidc, AnAnswerToAnotherLoginIsRefused) {
  auto const mine = go();
  auto const others = go();
  EXPECT_NE(refusal(mine).find("another login"), std::string::npos) << "state";
  EXPECT_NE(refusal("").find("began no login"), std::string::npos);
  EXPECT_NE(refusal(sign_text("cookie key", "session", "{}")).find("began no login"), std::string::npos);
  claim("nonce", "replayed");
  EXPECT_NE(refusal(others).find("another login"), std::string::npos) << "nonce";
}

TEST_F(Oidc, ATokenOfAnotherPlaceOrTimeIsRefused) {
  auto const cookie = go();
  auto const good = claims;
  claim("iss", "https://evil.example");
  EXPECT_NE(refusal(cookie).find("issuer"), std::string::npos);
  claims = good, claim("aud", "other");
  EXPECT_NE(refusal(cookie).find("another program"), std::string::npos);
  claims = good, claim("aud", value::list{"lovage", "other"});
  EXPECT_NE(refusal(cookie).find("another program"), std::string::npos) << "azp does not say that it is ours";
  claims.push_back({"azp", "lovage"});
  EXPECT_EQ(refusal(cookie), "let in ann@example.org");
  claims = good, claim("exp", 1'799'999'000);
  EXPECT_NE(refusal(cookie).find("expired"), std::string::npos);
  claims = good, claim("iat", 1'800'009'000);
  EXPECT_NE(refusal(cookie).find("future"), std::string::npos);
}

TEST_F(Oidc, ATokenThatSomebodyElseSignedIsRefused) {
  auto const cookie = go();
  signing_key const forger{"first"};
  signer = &forger;
  EXPECT_NE(refusal(cookie).find("signature"), std::string::npos);
}

TEST_F(Oidc, NoSignatureAndOtherAlgorithmsAreRefused) {
  (void)go();
  value const keys = value::map{{"keys", value::list{first_key().jwk()}}};
  oidc_settings const with{issuer, "lovage", ""};
  std::string const nonce = *find(claims, "nonce")->get_if<std::string>();
  EXPECT_TRUE(check_id_token(first_key().token(claims), keys, with, nonce, now));
  for (char const* alg : {"none", "HS256", "PS256"})
    EXPECT_FALSE(check_id_token(first_key().token(claims, alg), keys, with, nonce, now)) << alg;
  auto token = first_key().token(claims);
  EXPECT_FALSE(check_id_token(token.substr(0, token.rfind('.') + 1), keys, with, nonce, now));
  for (char const* broken : {"", ".", "..", "a.b.c", "e30.e30."})
    EXPECT_FALSE(check_id_token(broken, keys, with, nonce, now));
  EXPECT_FALSE(check_id_token(token, keys, with, "", now)) << "a login without nonce is none";
}

TEST_F(Oidc, ANewKeyOfTheProviderIsFetched) {
  auto cookie = go();
  ASSERT_EQ(refusal(cookie), "let in ann@example.org");
  key = signer = &second_key();
  now += 2min;
  cookie = go();
  EXPECT_EQ(refusal(cookie), "let in ann@example.org");
  EXPECT_EQ(calls["https://login.example.org/keys"], 2);
  EXPECT_EQ(calls[std::string{issuer} + "/.well-known/openid-configuration"], 1);
}

TEST_F(Oidc, MoreThanTenMinutesAreTooLong) {
  auto const cookie = go();
  now += 11min;
  EXPECT_NE(refusal(cookie).find("ten minutes"), std::string::npos);
}

TEST_F(Oidc, AProviderOfAnotherNameIsNotBelieved) {
  says_issuer = "https://other.example.org";
  auto const begun = login.begin(back);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().where, "web_auth_oidc_issuer");
}

TEST_F(Oidc, AnAddressThatNobodyVerifiedIsNoName) {
  EXPECT_EQ(user_of_claims(value::map{{"sub", "7"}, {"email", "boss@example.org"}, {"email_verified", false}}), "7");
  EXPECT_EQ(user_of_claims(value::map{{"sub", "7"}, {"email", "boss@example.org"}}), "7");
  EXPECT_EQ(user_of_claims(value::map{{"sub", "7"}, {"preferred_username", "boss@example.org"}}), "7");
  EXPECT_EQ(user_of_claims(value::map{{"sub", "7"}, {"preferred_username", "ann"}}), "ann");
}

}  // namespace
}  // namespace lovage::web
