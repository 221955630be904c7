#include "config/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct parts {
  char const* text;
  url want;
};

TEST(Url, IsTakenApart) {
  parts const cases[] = {
      {"redis://localhost:6379/0", {"redis", "", "", "localhost", 6379, "0", {}}},
      {"redis://:pw@host/1", {"redis", "", "pw", "host", {}, "1", {}}},
      {"rediss://u:p%40ss%2F@h", {"rediss", "u", "p@ss/", "h", {}, "", {}}},
      {"redis://u:a@b@h/0", {"redis", "u", "a@b", "h", {}, "0", {}}},
      {"AMQP://guest:guest@h:5672//", {"amqp", "guest", "guest", "h", 5672, "/", {}}},
      {"amqp://h/%2Fmine", {"amqp", "", "", "h", {}, "/mine", {}}},
      {"amqp://", {"amqp", "", "", "", {}, "", {}}},
      {"redis://[::1]:7000/2", {"redis", "", "", "::1", 7000, "2", {}}},
      {"redis://[fe80::1]", {"redis", "", "", "fe80::1", {}, "", {}}},
      {"redis://h:/0", {"redis", "", "", "h", {}, "0", {}}},
      {"sqlite:///jobs.db", {"sqlite", "", "", "", {}, "jobs.db", {}}},
      {"sqlite:////var/jobs%20x.db", {"sqlite", "", "", "", {}, "/var/jobs x.db", {}}},
      {"memory://", {"memory", "", "", "", {}, "", {}}},
      {"sqla+postgresql://u@h/db?a=1&b=x%26y&&c&a=2",
       {"sqla+postgresql", "u", "", "h", {}, "db", {{"a", "2"}, {"b", "x&y"}, {"c", ""}}}},
      {"redis+socket:///tmp/redis.sock?virtual_host=1",
       {"redis+socket", "", "", "", {}, "tmp/redis.sock", {{"virtual_host", "1"}}}},
      {"postgresql://?host=/run/pg", {"postgresql", "", "", "", {}, "", {{"host", "/run/pg"}}}},
  };
  for (auto const& c : cases) {
    auto const got = parse_url(c.text);
    ASSERT_TRUE(got) << c.text << ": " << got.error().text();
    EXPECT_EQ(*got, c.want) << c.text;
  }
}

TEST(Url, ThatIsWrongSaysWhatToWriteInstead) {
  struct row {
    std::string text;
    char const* says;
  };
  row const cases[] = {
      {"", "begins with its scheme"},
      {"localhost:6379", "begins with its scheme"},
      {"://h", "begins with its scheme"},
      {"1redis://h", "begins with its scheme"},
      {"redis://h:notaport", "%40 %3A %2F"},
      {"redis://h:70000", "1 to 65535"},
      {"redis://h:0", "1 to 65535"},
      {"redis://u:p/w@h", "%2F"},
      {"redis://u:p%zz@h", "%25"},
      {"redis://h/%4", "%25"},
      {"redis://h/%", "%25"},
      {"redis://h/a%00b", "zero byte"},
      {"redis://h /0", "%20"},
      {"redis://h/#1", "%23"},
      {"redis://[::1", "closing bracket"},
      {"redis://[::1]x", "comes : and the port"},
      {"sqlite://jobs.db", "sqlite:///relative/file.db"},
      {"redis://" + std::string(5000, 'a'), "4096"},
  };
  for (auto const& [text, says] : cases) {
    auto const got = parse_url(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, errc::bad_config);
    EXPECT_THAT(got.error().detail, HasSubstr(says)) << text;
  }
}

TEST(Url, ListsAreSeparatedBySemicolons) {
  auto const two = parse_urls("amqp://a:pw@h1//;amqp://h2");
  ASSERT_TRUE(two);
  ASSERT_EQ(two->size(), 2U);
  EXPECT_EQ((*two)[0].path, "/");
  EXPECT_EQ((*two)[1].host, "h2");
  EXPECT_EQ(parse_urls("redis://h/a;b")->size(), 1U) << "a semicolon before anything else belongs to the address";
  EXPECT_FALSE(parse_urls("amqp://h;amqp://h:x"));
}

TEST(Url, IsShownWithoutPasswords) {
  struct row {
    char const *text, *shown;
  };
  for (auto const& [text, shown] : {
           row{"redis://:hunter2@localhost/0", "redis://:**@localhost/0"},
           row{"redis://u:hunter2@h", "redis://u:**@h"},
           row{"redis://u@h/0", "redis://u@h/0"},
           row{"redis://h:6379/0", "redis://h:6379/0"},
           row{"amqp://a:b@h;amqp://c:d@i", "amqp://a:**@h;amqp://c:**@i"},
           row{"redis://u:p/a?s#s@h/0", "redis://u:**@h/0"},
           row{"redis://h/0?password=x&db=1&api_token=y", "redis://h/0?password=**&db=1&api_token=**"},
           row{"redis://h/0?password=a@b", "redis://h/0:**@b"},
           row{"not a url", "not a url"},
           row{"", ""},
       }) {
    EXPECT_EQ(mask_url(text), shown);
  }
}

TEST(Url, OfASqliteFileLeadsBackToItsPath) {
  for (std::string const path : {"/home/a b/100%/x?y#z;w.db", "relative.db", "/plain/lovage.db"}) {
    auto const parsed = parse_url(sqlite_url(path));
    ASSERT_TRUE(parsed) << sqlite_url(path);
    EXPECT_EQ(parsed->path, path);
  }
  EXPECT_EQ(sqlite_url("/var/x.db"), "sqlite:////var/x.db");
}

}  // namespace
}  // namespace lovage
