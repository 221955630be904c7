#include "web/crypto.hpp"
#include "web/login_limit.hpp"
#include "web/login_sessions.hpp"
#include "web/peers.hpp"
#include "web/users.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace lovage::web {
namespace {

using namespace std::chrono_literals;

TEST(Passwords, AreKnownByTheirHashAlone) {
  auto const hash = hash_password("correct horse");
  EXPECT_TRUE(hash.starts_with("scrypt$15$8$1$"));
  EXPECT_EQ(hash.find("horse"), std::string::npos);
  EXPECT_TRUE(check_password("correct horse", hash));
  EXPECT_FALSE(check_password("correct horsf", hash));
  EXPECT_NE(hash, hash_password("correct horse")) << "each has a salt of its own";
}

TEST(Passwords, AHashThatCannotBeReadFitsNothing) {
  for (char const* hash : {"", "scrypt", "scrypt$15$8$1$$", "scrypt$99$8$1$AA$AA", "md5$x", "scrypt$x$8$1$AA$AA"})
    EXPECT_FALSE(check_password("", hash)) << hash;
}

TEST(Crypto, Base64UrlHasNoPaddingAndReadsBack) {
  for (std::string const text : {"", "a", "ab", "abc", "\xff\xfe\xfd"}) {
    auto const coded = to_base64url(text);
    EXPECT_EQ(coded.find_first_of("+/="), std::string::npos);
    EXPECT_EQ(from_base64url(coded), text);
  }
  EXPECT_EQ(from_base64url("a+b="), std::nullopt);
}

TEST(Crypto, HashesAreTheKnownOnes) {
  EXPECT_EQ(to_hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("key", "The quick brown fox jumps over the lazy dog")),
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}

TEST(Users, ALineNamesRoleAndHashedSecret) {
  EXPECT_EQ(parse_user("ann:operator:scrypt$1", "f:1").value().role, role::operate);
  EXPECT_TRUE(parse_user("ci:viewer:sha256$ab", "f:1").value().is_token());
  EXPECT_NE(parse_user("ann:boss:scrypt$1", "f:3").error().text().find("f:3"), std::string::npos);
  auto const plain = parse_user("ann:viewer:hunter2", "f:1").error();
  EXPECT_NE(plain.detail.find("lovage web passwd ann"), std::string::npos);
  EXPECT_EQ(plain.text().find("hunter2"), std::string::npos) << "a secret is never told";
}

class UserFile : public ::testing::Test {
 protected:
  UserFile() { std::filesystem::remove(path); }
  ~UserFile() override { std::filesystem::remove(path); }
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream{path}.rdbuf();
    return out.str();
  }
  std::string const path = std::filesystem::temp_directory_path() / ("lovage-users-" + random_text(8));
};

TEST_F(UserFile, IsMadeForItsOwnerAlone) {
  save_user(path, {"ann", role::operate, hash_token("t")}).value();
  struct stat of {};
  ASSERT_EQ(::stat(path.c_str(), &of), 0);
  EXPECT_EQ(of.st_mode & 0777, 0600U);
  user_list users;
  users.add_file(path).value();
  EXPECT_EQ(users.with_token("t")->name, "ann");
  EXPECT_FALSE(users.with_token("u"));
}

TEST_F(UserFile, AUserIsReplacedAndAllElseStays) {
  std::ofstream{path} << "# ours\nbob:viewer:sha256$00\nann:viewer:scrypt$old\n";
  save_user(path, {"ann", role::operate, "scrypt$new"}).value();
  save_user(path, {"ann", role::viewer, "sha256$11"}).value();
  EXPECT_EQ(text(), "# ours\nbob:viewer:sha256$00\nann:operator:scrypt$new\nann:viewer:sha256$11\n");
}

TEST_F(UserFile, ThatEverybodyReadsIsRefused) {
  std::ofstream{path} << "ann:viewer:scrypt$x\n";
  std::filesystem::permissions(path, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  auto const refused = user_list{}.add_file(path);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("chmod 600"), std::string::npos);
}

class Sessions : public ::testing::Test {
 protected:
  time_point now{1'000s};
  login_sessions sessions{"key of the test", 60s, [this] { return now; }};
};

TEST_F(Sessions, ACookieTellsWhoLoggedIn) {
  auto const who = sessions.find(sessions.begin("ann", role::operate));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->user, "ann");
  EXPECT_EQ(who->role, role::operate);
  EXPECT_TRUE(who->ambient);
}

TEST_F(Sessions, EndAfterTheirTime) {
  auto const cookie = sessions.begin("ann", role::viewer);
  now += 59s;
  EXPECT_TRUE(sessions.find(cookie));
  now += 1s;
  EXPECT_FALSE(sessions.find(cookie));
}

TEST_F(Sessions, AChangedCookieIsNobodys) {
  auto cookie = sessions.begin("ann", role::viewer);
  for (std::size_t i = 0; i < cookie.size(); i += 7) {
    auto changed = cookie;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sessions.find(changed)) << i;
  }
  EXPECT_FALSE(sessions.find(""));
  EXPECT_FALSE(sessions.find("."));
  EXPECT_FALSE((login_sessions{"another key", 60s, [this] { return now; }}.find(cookie)));
}

TEST_F(Sessions, AnotherPurposesSignatureIsNone) {
  EXPECT_FALSE(sessions.find(sign_text("key of the test", "oidc", R"({"user": "x", "role": "operator"})")));
}

TEST_F(Sessions, LoggingOutEndsCopiesToo) {
  auto const cookie = sessions.begin("ann", role::viewer), other = sessions.begin("ann", role::viewer);
  sessions.end(cookie);
  EXPECT_FALSE(sessions.find(cookie));
  EXPECT_TRUE(sessions.find(other));
}

TEST_F(Sessions, EachHasACsrfTokenOfItsOwn) {
  auto const a = sessions.find(sessions.begin("ann", role::viewer))->session;
  auto const b = sessions.find(sessions.begin("ann", role::viewer))->session;
  EXPECT_EQ(sessions.csrf_token(a), sessions.csrf_token(a));
  EXPECT_NE(sessions.csrf_token(a), sessions.csrf_token(b));
}

TEST(LoginLimit, GuessingGetsSlowerAndSlower) {
  login_limit limit;
  time_point now{1'000s};
  for (int i = 0; i < 4; ++i) limit.failed("name:ann", now);
  EXPECT_EQ(limit.wait("name:ann", now), 0s);
  limit.failed("name:ann", now);
  EXPECT_EQ(limit.wait("name:ann", now), 1s);
  limit.failed("name:ann", now);
  EXPECT_EQ(limit.wait("name:ann", now), 2s);
  for (int i = 0; i < 50; ++i) limit.failed("name:ann", now);
  EXPECT_EQ(limit.wait("name:ann", now), 300s);
  EXPECT_EQ(limit.wait("name:bob", now), 0s);
  limit.succeeded("name:ann");
  EXPECT_EQ(limit.wait("name:ann", now), 0s);
}

TEST(LoginLimit, RemembersSoManyAndNoMore) {
  login_limit limit;
  time_point now{1'000s};
  for (std::size_t i = 0; i < login_limit::kept + 1; ++i)
    for (int n = 0; n < 5; ++n) limit.failed(std::to_string(i), now += 1us);
  EXPECT_EQ(limit.wait("0", now), 0s) << "the oldest made room";
  EXPECT_EQ(limit.wait("1", now), 1s);
}

TEST(Peers, RangesHoldTheirAddresses) {
  auto const v4 = address_range::parse("10.1.0.0/16", "s").value();
  EXPECT_TRUE(v4.contains("10.1.255.3"));
  EXPECT_FALSE(v4.contains("10.2.0.1"));
  EXPECT_FALSE(v4.contains("::1"));
  EXPECT_FALSE(v4.contains("nonsense"));
  EXPECT_TRUE(address_range::parse("fd00::/9", "s").value().contains("fd7f::1"));
  EXPECT_FALSE(address_range::parse("fd00::/9", "s").value().contains("fd80::1"));
  for (char const* wrong : {"", "10.0.0", "10.0.0.0/33", "host", "10.0.0.0/"})
    EXPECT_FALSE(address_range::parse(wrong, "s")) << wrong;
}

TEST(Peers, HostsLoseTheirPort) {
  EXPECT_EQ(host_without_port("Shop.Example.org:5555"), "shop.example.org");
  EXPECT_EQ(host_without_port("[::1]:80"), "[::1]");
  EXPECT_TRUE(is_loopback("127.9.9.9"));
  EXPECT_TRUE(is_loopback("[::1]"));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
  EXPECT_FALSE(is_address("127.0.0.1.example.org"));
}

}  // namespace
}  // namespace lovage::web
