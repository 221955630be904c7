#include "redis/reply.hpp"
#include "redis/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::redis {
namespace {

using ::testing::HasSubstr;
using namespace std::string_view_literals;

TEST(RedisCommands, AreWrittenAsTheServerReadsThem) {
  commands c;
  EXPECT_TRUE(c.empty());
  c.add({"SET", "key", "a\r\n\0b"sv});
  c.add(std::vector<std::string_view>{"PING"});
  c.begin(2);
  c.word("GET");
  c.word("");
  EXPECT_EQ(c.count(), 3U);
  EXPECT_EQ(c.bytes(),
            "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\na\r\n\0b\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n"sv);
  c.clear();
  EXPECT_TRUE(c.empty() && c.bytes().empty());
}

TEST(RedisReply, BecomesAnErrorThatCanBeActedOn) {
  struct row {
    char const* text;
    errc code;
  };
  row const cases[] = {
      {"OOM command not allowed when used memory > 'maxmemory'.", errc::no_space},
      {"MISCONF Redis is configured to save RDB snapshots", errc::no_space},
      {"NOAUTH Authentication required.", errc::bad_config},
      {"WRONGPASS invalid username-password pair", errc::bad_config},
      {"NOPERM this user has no permissions", errc::bad_config},
      {"LOADING Redis is loading the dataset in memory", errc::unavailable},
      {"READONLY You can't write against a read only replica.", errc::unavailable},
      {"MASTERDOWN Link with MASTER is down", errc::unavailable},
      {"BUSY Redis is busy running a script.", errc::unavailable},
      {"ERR max number of clients reached", errc::unavailable},
      {"ERR max number of clients + cluster connections reached", errc::unavailable},
      {"ERR unknown command 'X'", errc::internal},
      {"WRONGTYPE Operation against a key", errc::internal},
      {"", errc::internal},
  };
  for (auto const& c : cases) {
    reply r;
    r.type = reply::kind::error;
    r.text = c.text;
    auto const e = to_error(r, "h:1");
    EXPECT_EQ(e.code, c.code) << c.text;
    EXPECT_THAT(e.text(), HasSubstr(c.text));
    EXPECT_EQ(e.where, "h:1");
  }
}

TEST(RedisReply, OfAScriptThatFailedSaysWhatOfTheServerItWasRefused) {
  std::string const refused = "OOM command not allowed when used memory > 'maxmemory'.";
  for (auto const& text :
       {refused + " script: ffccf90f71bdf24ff6e7652dce2c42bfda1a13fe, on @user_script:7.",
        "ERR Error running script (call to f_ffccf90f71bdf24ff6e7652dce2c42bfda1a13fe): @user_script:7: "
        "@user_script: 7: -" +
            refused + " "}) {
    reply r;
    r.type = reply::kind::error;
    r.text = text;
    EXPECT_EQ(complaint(r), refused);
    EXPECT_EQ(to_error(r).code, errc::no_space);
    EXPECT_EQ(to_error(r).detail, "Redis says: " + refused);
  }
  reply fault;
  fault.type = reply::kind::error;
  fault.text = "ERR Error running script (call to f_1): @user_script:1: user_script:1: attempt to index nil";
  EXPECT_EQ(complaint(fault), fault.text);
}

TEST(RedisScript, IsNamedByItsHash) {
  // sha1sum of "return 1"
  EXPECT_EQ(script{"return 1"}.hash(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

}  // namespace
}  // namespace lovage::redis
