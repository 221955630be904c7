#include "web/gate.hpp"

#include "web/crypto.hpp"
#include "wire/base64.hpp"

#include <lovage/json.hpp>

#include <gtest/gtest.h>

namespace lovage::web {
namespace {

using namespace std::chrono_literals;

std::string const& anns_password_line() {
  static std::string const line = "ann:operator:" + hash_password("anns password");
  return line;
}

class Gate : public ::testing::Test {
 protected:
  Gate() { with.key = "a key of thirty-two characters ....."; }

  void add_users() {
    with.users.add_lines(anns_password_line() + "\nci:viewer:" + hash_token("cis token") + "\n", "test").value();
  }
  gate& door() {
    if (!door_) door_ = std::make_unique<gate>(with, [this] { return now; });
    return *door_;
  }
  static request get(std::string path = "/api/v1/overview") {
    request r;
    r.method = "GET";
    r.path = r.raw_path = std::move(path);
    r.peer = "127.0.0.1";
    r.headers.add("host", "127.0.0.1:5555");
    return r;
  }
  static request post(std::string body = "{}") {
    auto r = get("/api/v1/queues/celery/purge");
    r.method = "POST";
    r.body = std::move(body);
    r.headers.add("content-type", "application/json");
    return r;
  }
  static route reading() { return {.method = "GET", .pattern = "/x", .serve = {}}; }
  static route writing() { return {.method = "POST", .pattern = "/x", .access = access::operate, .serve = {}}; }
  static route flowers() {
    auto out = writing();
    out.flower = true;
    return out;
  }
  /// 0: it may.
  int status(request r, route const& to) {
    if (auto no = door().check_host(r)) return no->status;
    if (auto no = door().identify(r)) return no->status;
    auto const no = door().check_access(r, to);
    return no ? no->status : 0;
  }
  request with_csrf(request r) {
    (void)door().identify(r);
    r.headers.add("x-csrf-token", door().csrf_token(r));
    return r;
  }
  response log_in(std::string const& user, std::string const& password) {
    auto r = post(to_json(value::map{{"user", user}, {"password", password}}));
    return door().log_in(r);
  }
  std::string session_of_ann() {
    auto const header = *log_in("ann", "anns password").headers.find("Set-Cookie");
    return header.substr(0, header.find(';'));
  }

  web_settings with;
  time_point now{1'000'000s};

 private:
  std::unique_ptr<gate> door_;
};

TEST_F(Gate, WithoutUsersEverybodyOnThisMachineIsAnOperator) {
  EXPECT_EQ(status(get(), reading()), 0);
  EXPECT_EQ(status(with_csrf(post()), writing()), 0);
}

TEST_F(Gate, AWriteWithoutTheTokenOfAPageIsRefused) {
  EXPECT_EQ(status(post(), writing()), 403);
  auto wrong = post();
  wrong.headers.add("x-csrf-token", "guessed");
  EXPECT_EQ(status(wrong, writing()), 403);
}

TEST_F(Gate, APageOfAnotherSiteWritesNothing) {
  auto r = with_csrf(post());
  r.headers.add("origin", "http://evil.example");
  EXPECT_EQ(status(r, writing()), 403);
  auto other_port = with_csrf(post());
  other_port.headers.add("origin", "http://127.0.0.1:8000");
  EXPECT_EQ(status(other_port, writing()), 403) << "another port of this machine is another site";
  auto own = with_csrf(post());
  own.headers.add("origin", "http://127.0.0.1:5555");
  EXPECT_EQ(status(own, writing()), 0);
}

TEST_F(Gate, FlowersScriptsNeedNoTokenButBrowsersDo) {
  EXPECT_EQ(status(post(), flowers()), 0);
  auto form = post("n=1");
  form.headers = {};
  form.headers.add("host", "127.0.0.1:5555");
  form.headers.add("content-type", "application/x-www-form-urlencoded");
  EXPECT_EQ(status(form, flowers()), 0);
  form.headers.add("origin", "http://evil.example");
  EXPECT_EQ(status(form, flowers()), 403);
  auto same = post();
  same.headers.add("sec-fetch-site", "same-origin");
  EXPECT_EQ(status(same, flowers()), 403) << "a browser's page can send the token";
}

TEST_F(Gate, ANameThatIsNotOursIsNotServed) {
  auto r = get();
  r.headers = {};
  r.headers.add("host", "rebound.example:5555");
  EXPECT_EQ(status(r, reading()), 421);
  with.allowed_hosts = {"rebound.example"};
  EXPECT_EQ(status(r, reading()), 0);
}

TEST_F(Gate, WithUsersStrangersAreToldToLogIn) {
  add_users();
  EXPECT_EQ(status(get(), reading()), 401);
  route open{.method = "GET", .pattern = "/x", .access = access::open, .serve = {}};
  EXPECT_EQ(status(get(), open), 0);
}

TEST_F(Gate, ATokenNeedsNoCsrfTokenAndHasItsRole) {
  add_users();
  auto r = get();
  r.headers.add("authorization", "Bearer cis token");
  EXPECT_EQ(status(r, reading()), 0);
  auto w = post();
  w.headers.add("authorization", "bearer cis token");
  EXPECT_EQ(status(w, writing()), 403) << "a viewer";
  auto wrong = get();
  wrong.headers.add("authorization", "Bearer cis tokem");
  EXPECT_EQ(status(wrong, reading()), 401);
}

TEST_F(Gate, APasswordMakesASessionThatScriptsAndSitesCannotReach) {
  add_users();
  auto const in = log_in("ann", "anns password");
  ASSERT_EQ(in.status, 200);
  auto const& cookie = *in.headers.find("Set-Cookie");
  EXPECT_NE(cookie.find("; HttpOnly; SameSite=Strict"), std::string::npos);
  EXPECT_EQ(cookie.find("Secure"), std::string::npos) << "there is no https here";
  auto r = get();
  r.headers.add("cookie", cookie.substr(0, cookie.find(';')));
  EXPECT_EQ(status(r, reading()), 0);
}

TEST_F(Gate, ASessionsWriteNeedsItsOwnToken) {
  add_users();
  auto mine = post();
  mine.headers.add("cookie", session_of_ann());
  EXPECT_EQ(status(mine, writing()), 403);
  auto other = mine;
  other.headers.add("x-csrf-token", door().sessions().csrf_token("another session"));
  EXPECT_EQ(status(other, writing()), 403);
  EXPECT_EQ(status(with_csrf(mine), writing()), 0);
}

TEST_F(Gate, LoggingOutMakesTheCookieWorthless) {
  add_users();
  auto r = get();
  r.headers.add("cookie", session_of_ann());
  ASSERT_EQ(status(r, reading()), 0);
  (void)door().log_out(r);
  EXPECT_EQ(status(r, reading()), 401);
}

TEST_F(Gate, BehindHttpsCookiesAreSecure) {
  add_users();
  with.public_url = "https://jobs.example.org";
  EXPECT_NE(log_in("ann", "anns password").headers.find("Set-Cookie")->find("; Secure"), std::string::npos);
}

TEST_F(Gate, GuessingIsSlowedDown) {
  add_users();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(log_in("ann", "wrong").status, 401);
  EXPECT_EQ(log_in("ann", "anns password").status, 429) << "also for the right one";
  now += 2s;
  EXPECT_EQ(log_in("ann", "anns password").status, 200);
}

TEST_F(Gate, BasicPasswordsServeFlowersScripts) {
  add_users();
  auto r = post();
  r.headers.add("authorization", "Basic " + wire::to_base64("ann:anns password"));
  EXPECT_EQ(status(r, flowers()), 0);
  EXPECT_EQ(status(r, flowers()), 0) << "known from the first time";
  auto wrong = post();
  wrong.headers.add("authorization", "Basic " + wire::to_base64("ann:x"));
  EXPECT_EQ(status(wrong, flowers()), 401);
}

TEST_F(Gate, AProxysHeaderCountsFromTheProxyAlone) {
  with.proxy_header = "x-forwarded-user";
  with.proxies = {address_range::parse("10.0.0.0/8", "t").value()};
  with.operators = {"ann@*"};
  auto r = get();
  r.headers.add("x-forwarded-user", "ann@example.org");
  EXPECT_EQ(status(r, reading()), 401) << "from elsewhere anybody could write it";
  r.peer = "10.1.2.3";
  EXPECT_EQ(status(r, reading()), 0);
  auto bob = post();
  bob.peer = "10.1.2.3";
  bob.headers.add("x-forwarded-user", "bob@example.org");
  EXPECT_EQ(status(with_csrf(bob), writing()), 403) << "no operator";
}

TEST_F(Gate, WhoIsNotAllowedIsToldSo) {
  with.proxy_header = "x-forwarded-user";
  with.proxies = {address_range::parse("127.0.0.1", "t").value()};
  with.allowed = {"*@example.org"};
  auto r = get();
  r.headers.add("x-forwarded-user", "eve@example.com");
  EXPECT_EQ(status(r, reading()), 403);
}

TEST_F(Gate, ReadOnlyIsForOperatorsToo) {
  with.read_only = true;
  EXPECT_EQ(status(with_csrf(post()), writing()), 403);
  EXPECT_EQ(status(get(), reading()), 0);
}

TEST_F(Gate, ABodyThatIsNoJsonIsRefused) {
  auto r = with_csrf(post());
  r.headers = {};
  r.headers.add("host", "127.0.0.1:5555");
  r.headers.add("content-type", "text/plain");
  r.headers.add("x-csrf-token", door().csrf_token(r));
  EXPECT_EQ(status(r, writing()), 415);
}

TEST(WebSettings, RefuseToServeTheWorldWithoutLogin) {
  auto const refused = web_settings::of(config{}.web_host("0.0.0.0"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("lovage web passwd"), std::string::npos);
  EXPECT_TRUE(web_settings::of(config{}.web_host("0.0.0.0").web_allow_anonymous(true)));
  EXPECT_TRUE(web_settings::of(config{}.web_host("0.0.0.0").web_auth_users({"a:viewer:" + hash_token("t")})));
  EXPECT_TRUE(web_settings::of(config{}));
}

TEST(WebSettings, NameWhatIsMissing) {
  auto const where = [](config const& c) { return web_settings::of(c).error().where; };
  EXPECT_EQ(where(config{}.web_auth_proxy_header("X-User")), "web_auth_proxies");
  EXPECT_EQ(where(config{}.web_auth_proxies({"somewhere"})), "web_auth_proxies");
  EXPECT_EQ(where(config{}.web_auth_secret("short")), "web_auth_secret");
  auto const oidc = config{}.web_auth_oidc_issuer("https://i.example");
  EXPECT_EQ(where(oidc), "web_auth_oidc_client_id");
  auto const named = config{oidc}.web_auth_oidc_client_id("lovage");
  EXPECT_EQ(where(named), "web_public_url");
  EXPECT_EQ(where(config{named}.web_public_url("https://jobs.example")), "web_auth_allowed");
}

}  // namespace
}  // namespace lovage::web
