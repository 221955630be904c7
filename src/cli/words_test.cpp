#include "cli/words.hpp"

#include "cli/session.hpp"

#include <gtest/gtest.h>

namespace lovage::cli {
namespace {

TEST(Words, JsonIsReadAndEverythingElseIsText) {
  EXPECT_EQ(value_of_word("2"), value{2});
  EXPECT_EQ(value_of_word("-2.5"), value{-2.5});
  EXPECT_EQ(value_of_word("true"), value{true});
  EXPECT_EQ(value_of_word("null"), value{});
  EXPECT_EQ(value_of_word("\"2\""), value{"2"});
  EXPECT_EQ(value_of_word("[1, 2]"), (value{value::list{1, 2}}));
  EXPECT_EQ(value_of_word("paris"), value{"paris"});
  EXPECT_EQ(value_of_word("2b"), value{"2b"});
  EXPECT_EQ(value_of_word("[1,"), value{"[1,"});
  EXPECT_EQ(value_of_word(""), value{""});
}

TEST(Words, AListOrAMapIsAskedFor) {
  EXPECT_EQ(list_of_json("--args", "[2, 3]"), (value::list{2, 3}));
  EXPECT_EQ(map_of_json("--kwargs", R"({"x": 2})"), (value::map{{"x", 2}}));
  EXPECT_THROW((void)list_of_json("--args", "2"), usage_error);
  EXPECT_THROW((void)map_of_json("--kwargs", "{x: 2}"), usage_error);
}

TEST(Words, SecondsAreFiniteAndNotNegative) {
  EXPECT_EQ(seconds_of("--wait", "1.5"), 1.5);
  for (auto const* bad : {"", "x", "-1", "1s", "inf", "nan"})
    EXPECT_THROW((void)seconds_of("--wait", bad), usage_error) << bad;
}

TEST(Words, AMomentWithoutOffsetIsUtc) {
  EXPECT_EQ(moment_of("--eta", "2026-11-23T12:00:00"), moment_of("--eta", "2026-11-23T13:00:00+01:00"));
  EXPECT_THROW((void)moment_of("--eta", "tomorrow"), usage_error);
}

TEST(Words, ExpiresTakesSecondsOrAMoment) {
  call_options relative, absolute;
  set_expires(relative, "60");
  set_expires(absolute, "2026-11-23T12:00:00Z");
  EXPECT_EQ(relative.expires_in_, call_options::seconds{60});
  EXPECT_FALSE(relative.expires_at_);
  EXPECT_TRUE(absolute.expires_at_);
  EXPECT_THROW(set_expires(absolute, "-5"), usage_error);
}

TEST(Words, TheNearestWordIsOffered) {
  std::vector<std::string> const names{"worker", "call", "result", "queues", "tasks", "report", "completion"};
  EXPECT_EQ(nearest("wroker", names), "worker");
  EXPECT_EQ(nearest("queue", names), "queues");
  EXPECT_EQ(nearest("comp", names), "completion");
  EXPECT_EQ(nearest("frobnicate", names), "");
  EXPECT_EQ(nearest("", names), "");
}

}  // namespace
}  // namespace lovage::cli
