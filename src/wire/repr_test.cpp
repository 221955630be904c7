#include "wire/task_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

TEST(repr, writes_arguments_as_python_does) {
  EXPECT_EQ(args_repr({2, 3}), "(2, 3)");
  EXPECT_EQ(args_repr({1}), "(1,)");
  EXPECT_EQ(args_repr({}), "()");
  EXPECT_EQ(kwargs_repr({}), "{}");
  EXPECT_EQ(kwargs_repr({{"k", value::list{nullptr}}}), "{'k': [None]}");
  EXPECT_EQ(args_repr({"it's", "say \"hi\"", "\n\t\\", "\u00fcn\u00efcode", nullptr, true, 1.0, 1e20, value::list{},
                       value::map{}, value::list{value::map{{"a", value::list{1}}}}}),
            "('it\\'s', 'say \"hi\"', '\n\t\\', '\u00fcn\u00efcode', None, True, 1.0, 1e+20, [], {}, [{'a': [...]}])");
}

TEST(repr, writes_pythons_scalars_as_their_constructors) {
  EXPECT_EQ(repr(datetime{1577934245000000, std::nullopt}), "datetime.datetime(2020, 1, 2, 3, 4, 5)");
  EXPECT_EQ(repr(datetime{1577934240000007, 0}),
            "datetime.datetime(2020, 1, 2, 3, 4, 0, 7, tzinfo=datetime.timezone.utc)");
  EXPECT_EQ(
      repr(datetime{1577934240000000, -3600}),
      "datetime.datetime(2020, 1, 2, 3, 4, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=82800)))");
  EXPECT_EQ(repr(date{18263}), "datetime.date(2020, 1, 2)");
  EXPECT_EQ(repr(time_of_day{11040000000}), "datetime.time(3, 4)");
  EXPECT_EQ(repr(decimal{"1.50"}), "Decimal('1.50')");
  EXPECT_EQ(repr(uuid{}), "UUID('00000000-0000-0000-0000-000000000000')");
  EXPECT_EQ(repr(bytes{"text"}), "b'text'");
  EXPECT_EQ(repr(bytes{std::string{"\0\xff", 2}}), "b'00ff'");
  EXPECT_EQ(repr(big_integer{"123456789012345678901"}), "123456789012345678901");
}

TEST(repr, ends_a_long_list_as_celery_does) {
  value::list numbers;
  for (int i = 0; i < 500; ++i) numbers.emplace_back(i);
  auto const text = args_repr({numbers, "x"});
  EXPECT_EQ(text.size(), 1034u);
  EXPECT_THAT(text, testing::StartsWith("([0, 1, 2, "));
  EXPECT_THAT(text, testing::EndsWith(" 224, 225, 22..., ...])"));
}

TEST(repr, cuts_a_long_text_at_a_blank_and_never_inside_a_character) {
  EXPECT_EQ(repr("one two three", 9), "'one two...'");
  EXPECT_EQ(repr("aaaaaaaaaa", 4), "'aaaa...'");
  EXPECT_EQ(repr("\u00fc\u00fc\u00fc\u00fc", 2), "'\u00fc\u00fc...'");
  EXPECT_EQ(args_repr({"aaaa", 1}, 3), "('aa...', ...)");
  EXPECT_EQ(args_repr({1, 2}, 0), ", ...");
  auto const text = args_repr({std::string(10'000'000, 'x')});
  EXPECT_LT(text.size(), 1100u);
}

TEST(repr, shows_bytes_that_are_no_utf8_as_escapes) { EXPECT_EQ(repr("a\xff\u00fc"), "'a\\xff\u00fc'"); }

}  // namespace
}  // namespace lovage::wire
