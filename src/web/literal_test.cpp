#include "web/literal.hpp"

#include "web/sending.hpp"
#include "wire/task_message.hpp"

#include <gtest/gtest.h>

namespace lovage::web {
namespace {

TEST(Literal, ReadsWhatPythonWrites) {
  EXPECT_EQ(read_literal("(2, 'a')"), (value{value::list{2, "a"}}));
  EXPECT_EQ(read_literal("(1,)"), (value{value::list{1}}));
  EXPECT_EQ(read_literal("[]"), (value{value::list{}}));
  EXPECT_EQ(read_literal("{'x': None, 'y': [True, False, -1.5e3]}"),
            (value{value::map{{"x", value{}}, {"y", value::list{true, false, -1500.0}}}}));
  EXPECT_EQ(read_literal(R"('it\'s \x41\u00e9\U0001F600\n')"), value{"it's A\xC3\xA9\xF0\x9F\x98\x80\n"});
  EXPECT_EQ(read_literal(R"(b'\xff')"), (value{bytes{"\xff"}}));
}

TEST(Literal, ReadsBackWhatLovageWrites) {
  value::list const args{1, "two \"three\" 'four'\n", 2.5, value::map{{"k", value::list{value{}, true}}},
                         "\xE4\xBD\xA0"};
  EXPECT_EQ(read_literal(wire::args_repr(args)), value{args});
}

TEST(Literal, GuessesNothing) {
  for (char const* text : {"", "(1, ...)", "('abc...", "(<User 7>,)", "(1, 2", "{1: 2}", "datetime(2020, 1, 1)", "1 2",
                           "nan", "(1 2)", "123456789012345678901234567890", "'\\q'"})
    EXPECT_EQ(read_literal(text), std::nullopt) << text;
  EXPECT_EQ(read_literal(std::string(1'000, '[')), std::nullopt) << "deep ones cost no stack";
}

TEST(Sending, OptionsAreThoseOfApplyAsync) {
  auto const o = options_of(
      {{"queue", "slow"}, {"countdown", 2.5}, {"priority", 9}, {"expires", "2026-11-30 14:00:00.5"}, {"eta", value{}}});
  EXPECT_EQ(o.queue_, "slow");
  EXPECT_EQ(o.countdown_->count(), 2.5);
  EXPECT_EQ(o.priority_, 9);
  EXPECT_EQ(o.expires_at_->time_since_epoch().count() % 1'000'000, 500'000);
  EXPECT_FALSE(o.eta_);
}

TEST(Sending, AMisspeltOptionIsRefused) {
  EXPECT_THROW((void)options_of({{"que", "slow"}}), error);
  EXPECT_THROW((void)options_of({{"priority", 10}}), error);
  EXPECT_THROW((void)options_of({{"countdown", "soon"}}), error);
  EXPECT_THROW((void)sending_of({{"args", "no list"}}), error);
}

}  // namespace
}  // namespace lovage::web
