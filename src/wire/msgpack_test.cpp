#include "wire/serializer.hpp"

#include <lovage/pack.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

std::string msgpack_problem(std::string_view data) {
  auto const v = from_msgpack(data);
  return v ? "no error" : v.error().text();
}

TEST(msgpack, writes_a_task_body_as_python_does) {
  value const body{value::list{value::list{2, "a"}, value::map{{"k", bytes{"b"}}}, nullptr}};
  EXPECT_EQ(*to_msgpack(body),
            "\x93\x92\x02\xa1"s
            "a\x81\xa1k\xc4\x01"s
            "b\xc0"s);
  EXPECT_EQ(*from_msgpack(*to_msgpack(body)), body);
}

TEST(msgpack, writes_pythons_scalars_as_text) {
  value const v{
      value::list{datetime{1577934245000000, 0}, date{18263}, time_of_day{11045000000}, decimal{"1.50"}, uuid{}}};
  EXPECT_EQ(*from_msgpack(*to_msgpack(v)), (value{value::list{"2020-01-02T03:04:05Z", "2020-01-02T00:00:00", "03:04:05",
                                                              "1.50", "00000000-0000-0000-0000-000000000000"}}));
}

TEST(msgpack, refuses_values_without_a_form) {
  EXPECT_THAT(to_msgpack(big_integer{"18446744073709551616"}).error().text(), HasSubstr("outside 64 bits"));
  EXPECT_THAT(to_msgpack("a\xff").error().text(), HasSubstr("not UTF-8 at its byte 1; use lovage::bytes"));
  EXPECT_THAT(to_msgpack(datetime{INT64_MAX, 0}).error().text(), HasSubstr("years 1 to 9999"));
  value deep;
  for (int i = 0; i < 501; ++i) deep = value::list{std::move(deep)};
  EXPECT_THAT(to_msgpack(deep).error().text(), HasSubstr("nested deeper"));
}

TEST(msgpack, turns_other_keys_into_json_text) {
  EXPECT_EQ(*from_msgpack("\x84\x01\xa1"s
                          "a\xff\xa1"s
                          "b\xc3\xa1"s
                          "c\xc0\xa1"s
                          "d"s),
            (value{value::map{{"1", "a"}, {"-1", "b"}, {"true", "c"}, {"null", "d"}}}));
  EXPECT_THAT(msgpack_problem("\x81\x90\x01"), HasSubstr("a key must be text, got list (byte 1)"));
  EXPECT_EQ(*from_msgpack("\x82\xa1k\x01\xa1k\x02"), (value{value::map{{"k", 2}}}));
}

TEST(msgpack, refuses_bad_data_naming_the_byte) {
  EXPECT_EQ(msgpack_problem(""), "msgpack: data ends early (byte 0)");
  EXPECT_EQ(msgpack_problem("\x01\x02"), "msgpack: unexpected bytes after the value (byte 1)");
  EXPECT_EQ(msgpack_problem("\x91\xc1"), "msgpack: invalid byte (byte 1)");
  EXPECT_EQ(msgpack_problem("\x91\xd4\x05x"), "msgpack: unknown extension type 5 (byte 1)");
  EXPECT_EQ(msgpack_problem("\xd6\xff\x01\x02\x03\x04"), "msgpack: unknown extension type -1 (byte 0)");
  EXPECT_EQ(msgpack_problem("\x91\xa1\xff"), "msgpack: a string that is not UTF-8 (byte 1)");
  EXPECT_THAT(msgpack_problem("\xdd\xff\xff\xff\xff"), HasSubstr("length runs past the end"));
  EXPECT_THAT(msgpack_problem(std::string(100'000, '\x91')), HasSubstr("nested deeper than 500 levels"));
}

TEST(msgpack, refuses_data_that_ends_early_at_every_byte) {
  value const v{value::list{1, 300, 70000, -1, -300, 1.5, "text", bytes{"octets"},
                            value::map{{"k", value::list{nullptr}}}, std::string(300, 'x'), UINT64_MAX}};
  auto const data = *to_msgpack(v);
  for (std::size_t n = 0; n < data.size(); ++n) EXPECT_FALSE(from_msgpack(std::string_view{data}.substr(0, n))) << n;
  EXPECT_EQ(*from_msgpack(data), v);
}

}  // namespace
}  // namespace lovage::wire
