#include "redis/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

connection_settings at(std::string urls) {
  connection_settings out;
  out.urls = std::move(urls);
  return out;
}

endpoint only(std::string url) {
  auto const read = read_endpoints(at(std::move(url))).value();
  EXPECT_EQ(read.servers.size(), 1U);
  EXPECT_TRUE(read.master_name.empty());
  return read.servers.front();
}

TEST(RedisEndpoint, OfABareUrlIsLocalhost) {
  auto const e = only("redis://");
  EXPECT_EQ(e.text(), "localhost:6379");
  EXPECT_EQ(e.database, 0);
  EXPECT_FALSE(e.tls);
  EXPECT_TRUE(e.user.empty() && e.password.empty() && e.path.empty());
}

TEST(RedisEndpoint, TakesEveryPartOfTheUrl) {
  auto const e = only("redis://me:p%40ss@cache.example:7000/3");
  EXPECT_EQ(e.text(), "cache.example:7000");
  EXPECT_EQ(e.user, "me");
  EXPECT_EQ(e.password, "p@ss");
  EXPECT_EQ(e.database, 3);
  EXPECT_EQ(only("redis://:secret@h").password, "secret");
  EXPECT_EQ(only("redis://h/1?db=2").database, 2);
}

TEST(RedisEndpoint, OfAUnixSocketIsAPath) {
  auto const e = only("redis+socket:///run/redis.sock?virtual_host=2");
  EXPECT_EQ(e.path, "/run/redis.sock");
  EXPECT_EQ(e.text(), "/run/redis.sock");
  EXPECT_EQ(e.database, 2);
  EXPECT_EQ(only("redis+socket://:pw@/run/redis.sock?db=4").database, 4);
  EXPECT_EQ(only("redis+socket://:pw@/run/redis.sock").password, "pw");
  EXPECT_EQ(only("socket:////run/redis.sock").path, "/run/redis.sock");
}

TEST(RedisEndpoint, TakesTlsFromTheUrlBeforeTheSetting) {
  auto with = at("rediss://h/0?ssl_cert_reqs=none&ssl_certfile=url.pem");
  with.tls = tls_options{"ca.pem", "setting.pem", "key.pem", "name", true};
  auto const tls = read_endpoints(with).value().servers.front().tls.value();
  EXPECT_FALSE(tls.verify_peer);
  EXPECT_EQ(tls.certificate, "url.pem");
  EXPECT_EQ(tls.key, "key.pem");
  EXPECT_EQ(tls.ca_file, "ca.pem");
  EXPECT_EQ(tls.server_name, "name");
  EXPECT_TRUE(only("rediss://h").tls.value().verify_peer);
  EXPECT_FALSE(only("rediss://h?ssl_cert_reqs=CERT_NONE").tls.value().verify_peer);
  EXPECT_TRUE(only("rediss://h?ssl_cert_reqs=CERT_REQUIRED").tls.value().verify_peer);
  EXPECT_EQ(only("rediss://h?ssl_ca_certs=/etc/ca.pem").tls.value().ca_file, "/etc/ca.pem");
  with.urls = "redis://h";
  EXPECT_TRUE(read_endpoints(with).value().servers.front().tls) << "redis_backend_use_ssl with redis://";
}

TEST(RedisEndpoint, OfSeveralUrlsAreKeptInOrder) {
  auto const read = read_endpoints(at("redis://a;rediss://b:1/2;redis+socket:///c")).value();
  ASSERT_EQ(read.servers.size(), 3U);
  EXPECT_EQ(read.servers[0].text(), "a:6379");
  EXPECT_EQ(read.servers[1].text(), "b:1");
  EXPECT_TRUE(read.servers[1].tls && !read.servers[0].tls);
  EXPECT_EQ(read.servers[2].text(), "/c");
}

TEST(RedisEndpoint, OfASentinelNamesTheMaster) {
  auto with = at("sentinel://:pw@s1/2;sentinel://s2:5000");
  with.options = {{"master_name", "mymaster"}, {"sentinel_kwargs", value::map{{"password", "spw"}}}};
  auto const read = read_endpoints(with).value();
  EXPECT_EQ(read.master_name, "mymaster");
  EXPECT_EQ(read.master.password, "pw");
  EXPECT_EQ(read.master.database, 2);
  ASSERT_EQ(read.servers.size(), 2U);
  EXPECT_EQ(read.servers[0].text(), "s1:26379");
  EXPECT_EQ(read.servers[1].text(), "s2:5000");
  for (auto const& s : read.servers) {
    EXPECT_EQ(s.password, "spw");
    EXPECT_EQ(s.database, 0) << "a sentinel has no databases";
  }
}

TEST(RedisEndpoint, ThatIsWrongSaysWhatToWriteInstead) {
  struct row {
    std::string urls;
    char const* says;
  };
  row const cases[] = {
      {"", "begins with its scheme"},      {"redis://h/x", "redis://host/0"},
      {"redis://h/-1", "redis://host/0"},  {"redis://h/99999999999999999999", "redis://host/0"},
      {"redis+socket://", "needs a path"}, {"rediss://h?ssl_cert_reqs=maybe", "required or none"},
      {"sentinel://h", "master_name"},     {"redis://h;sentinel://h", "cannot stand in one list"},
  };
  for (auto const& c : cases) {
    auto const got = read_endpoints(at(c.urls));
    ASSERT_FALSE(got) << c.urls;
    EXPECT_EQ(got.error().code, errc::bad_config);
    EXPECT_THAT(got.error().text(), HasSubstr(c.says)) << c.urls;
  }
  EXPECT_THAT(read_endpoints(at("redis://:hunter2@h;sentinel://h")).error().text(), Not(HasSubstr("hunter2")));
}

TEST(RedisEndpoint, OptionsThatAreNoTextAreRefused) {
  auto with = at("sentinel://h");
  with.options = {{"master_name", 5}};
  EXPECT_EQ(read_endpoints(with).error().where, "master_name");
  with.options = {{"master_name", "m"}, {"sentinel_kwargs", value::map{{"password", 7}}}};
  EXPECT_EQ(read_endpoints(with).error().where, "password");
  EXPECT_EQ(text_option({{"x", value{}}}, "x").value(), "");
  EXPECT_EQ(text_option({}, "x").value(), "");
}

}  // namespace
}  // namespace lovage::redis
