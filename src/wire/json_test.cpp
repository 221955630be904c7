#include "wire/serializer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lovage::wire {
namespace {

using testing::HasSubstr;

std::string written(value const& v, json_options options = {}) {
  auto const text = to_json(v, options);
  return text ? *text : "ERROR " + text.error().text();
}
/// What is read, written again; or the error.
std::string json_reread(std::string_view text) {
  auto const v = from_json(text);
  return v ? written(*v) : "ERROR " + v.error().text();
}
std::string json_problem(std::string_view text) {
  auto const v = from_json(text);
  return v ? "no error: " + written(*v) : v.error().text();
}

TEST(json, writes_a_task_body_as_python_does) {
  value const body{value::list{value::list{2, 3}, value::map{{"k", "v"}},
                               value::map{{"callbacks", nullptr}, {"chain", nullptr}, {"x", 1.5}, {"y", true}}}};
  EXPECT_EQ(written(body), R"([[2, 3], {"k": "v"}, {"callbacks": null, "chain": null, "x": 1.5, "y": true}])");
}

TEST(json, reads_a_task_body) {
  auto const v = from_json(" [[2, 3], {\"k\":\"v\"},\n{\"chain\": null, \"e\": [ ], \"f\": { } }] ");
  ASSERT_TRUE(v);
  EXPECT_EQ(*v, (value{value::list{value::list{2, 3}, value::map{{"k", "v"}},
                                   value::map{{"chain", nullptr}, {"e", value::list{}}, {"f", value::map{}}}}}));
}

TEST(json, writes_floats_in_pythons_repr) {
  EXPECT_EQ(written(1.0), "1.0");
  EXPECT_EQ(written(-0.0), "-0.0");
  EXPECT_EQ(written(0.1), "0.1");
  EXPECT_EQ(written(1e16), "1e+16");
  EXPECT_EQ(written(9999999999999998.0), "9999999999999998.0");
  EXPECT_EQ(written(0.0001), "0.0001");
  EXPECT_EQ(written(0.00001), "1e-05");
  EXPECT_EQ(written(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(written(5e-324), "5e-324");
}

TEST(json, writes_and_reads_what_is_no_number_bare) {
  auto const inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(written(value::list{std::nan(""), inf, -inf}), "[NaN, Infinity, -Infinity]");
  EXPECT_EQ(json_reread("[NaN, Infinity, -Infinity]"), "[NaN, Infinity, -Infinity]");
}

TEST(json, reads_integers_of_any_size) {
  EXPECT_EQ(*from_json("-0"), value{0});
  EXPECT_EQ(*from_json("9223372036854775807"), value{INT64_MAX});
  EXPECT_EQ(*from_json("-9223372036854775808"), value{INT64_MIN});
  EXPECT_EQ(*from_json("18446744073709551615"), value{UINT64_MAX});
  EXPECT_EQ(*from_json("18446744073709551616"), value{big_integer{"18446744073709551616"}});
  EXPECT_EQ(*from_json("-9223372036854775809"), value{big_integer{"-9223372036854775809"}});
  std::string const long_one(1000, '7');
  EXPECT_EQ(json_reread(long_one), long_one);
}

TEST(json, refuses_to_write_a_big_integer_that_is_none) {
  EXPECT_THAT(written(big_integer{"1, 2"}), HasSubstr("is no integer"));
  EXPECT_THAT(written(big_integer{""}), HasSubstr("is no integer"));
  EXPECT_EQ(written(big_integer{"-0099999999999999999999"}), "-99999999999999999999");
}

TEST(json, reads_floats_beyond_the_range_as_python_does) {
  EXPECT_EQ(json_reread("[1e400, -1e400, 1e-400, -1e-400]"), "[Infinity, -Infinity, 0.0, -0.0]");
  EXPECT_EQ(json_reread("[1e99999999999999999999, 0.0001e-99999999999999999999, 0e999]"), "[Infinity, 0.0, 0.0]");
  EXPECT_EQ(json_reread("1" + std::string(400, '0') + ".0"), "Infinity");
  EXPECT_EQ(json_reread("1" + std::string(400, '0') + "e-400"), "1.0");
  EXPECT_EQ(json_reread("[1E5, 1e+5, 2.5e-1]"), "[100000.0, 100000.0, 0.25]");
}

TEST(json, refuses_numbers_that_json_does_not_have) {
  for (auto const* text : {"01", "-", "+1", ".5", "1.", "1e", "1e+", "0x10", "-NaN", "Inf", "--1", "1_0", "1.e3"})
    EXPECT_FALSE(from_json(text)) << text;
}

TEST(json, escapes_everything_but_ascii) {
  EXPECT_EQ(written("\"\\/\b\f\n\r\t\x01\x7f"), R"("\"\\/\b\f\n\r\t\u0001\u007f")");
  EXPECT_EQ(written("\u00fc \u20ac \U0001f600"), R"("\u00fc \u20ac \ud83d\ude00")");
  EXPECT_EQ(written(std::string{"a\0b", 3}), R"("a\u0000b")");
}

TEST(json, reads_escapes_and_raw_utf8_alike) {
  EXPECT_EQ(*from_json(R"("\u00fc\u20AC\ud83d\ude00\u0000\/")"), value(std::string("\u00fc\u20ac\U0001f600\0/", 11)));
  EXPECT_EQ(*from_json("\"\u00fc\u20ac\U0001f600\""), value{"\u00fc\u20ac\U0001f600"});
}

TEST(json, keeps_lone_surrogates_as_python_does) {
  for (auto const* text : {R"("\ud800")", R"("\udc80x")", R"("\ud800\ud800\u0041")", R"("\ude00\ud83d")"})
    EXPECT_EQ(json_reread(text), text == std::string{R"("\ud800\ud800\u0041")"} ? R"("\ud800\ud800A")" : text);
  EXPECT_THAT(json_problem("\"\xed\xa0\x80\""), HasSubstr("not UTF-8 (byte 1)"));
}

TEST(json, refuses_bad_strings_naming_the_byte) {
  EXPECT_EQ(json_problem("\"abc"), "JSON: a string without closing quote (byte 0)");
  EXPECT_EQ(json_problem("[\"a\\"), "JSON: a string without closing quote (byte 3)");
  EXPECT_EQ(json_problem("\"a\nb\""), "JSON: a control character inside a string (byte 2)");
  EXPECT_EQ(json_problem(R"("a\x")"), "JSON: unknown escape in a string (byte 2)");
  EXPECT_EQ(json_problem(R"("a\u12g4")"), "JSON: \\u needs four hexadecimal digits (byte 2)");
  EXPECT_EQ(json_problem(R"("\ud800\u12)"), "JSON: \\u needs four hexadecimal digits (byte 7)");
  for (auto const* bad : {"\xff", "\xc0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3"})
    EXPECT_FALSE(from_json('"' + std::string{bad} + '"')) << bad;
}

TEST(json, refuses_bad_structure_naming_the_byte) {
  EXPECT_EQ(json_problem(""), "JSON: the text ends where a value should stand (byte 0)");
  EXPECT_EQ(json_problem("[1, 2"), "JSON: expected ',' or ']' in a list (byte 5)");
  EXPECT_EQ(json_problem("[1,]"), "JSON: expected a value (byte 3)");
  EXPECT_EQ(json_problem("{\"a\" 1}"), "JSON: expected ':' after a key (byte 5)");
  EXPECT_EQ(json_problem("{1: 2}"), "JSON: expected a key in double quotes (byte 1)");
  EXPECT_EQ(json_problem("{\"a\": 1,}"), "JSON: expected a key in double quotes (byte 8)");
  EXPECT_EQ(json_problem("1 2"), "JSON: unexpected text after the value (byte 2)");
  EXPECT_EQ(json_problem(std::string_view{"1\0", 2}), "JSON: unexpected text after the value (byte 1)");
  EXPECT_EQ(json_problem("nul"), "JSON: expected a value (byte 0)");
  EXPECT_EQ(json_problem("\xef\xbb\xbf{}"), "JSON: expected a value (byte 0)");
}

TEST(json, bounds_the_nesting) {
  auto const nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(json_reread(nested(500)), nested(500));
  EXPECT_EQ(json_problem(nested(501)), "JSON: nested deeper than 500 levels (byte 500)");
  EXPECT_THAT(json_problem(std::string(1'000'000, '[')), HasSubstr("nested deeper"));
  value deep;
  for (int i = 0; i < 501; ++i) deep = value::list{std::move(deep)};
  EXPECT_THAT(written(deep), HasSubstr("nested deeper"));
}

TEST(json, takes_the_last_of_equal_keys_at_the_place_of_the_first) {
  EXPECT_EQ(json_reread(R"({"a": 1, "b": 2, "a": 3})"), R"({"a": 3, "b": 2})");
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i % 20) + "\": " + std::to_string(i) + ", ";
  auto const v = from_json(many + "\"z\": 0}");
  ASSERT_TRUE(v);
  EXPECT_EQ(v->get_if<value::map>()->size(), 21u);
  EXPECT_EQ(*v->find("k0"), value{20});
}

value::list scalars() {
  return {datetime{1577934245678901, 0},
          datetime{1577934245000000, std::nullopt},
          datetime{1577934245000000, -19800},
          date{18263},
          time_of_day{11045600000},
          decimal{"1.50"},
          *uuid::parse("12345678-1234-5678-1234-567812345678")};
}

TEST(json, writes_pythons_scalars_as_plain_text_for_old_peers) {
  EXPECT_EQ(written(scalars()),
            R"(["2020-01-02T03:04:05.678901Z", "2020-01-02T03:04:05", "2020-01-02T03:04:05-05:30", )"
            R"("2020-01-02T00:00:00", "03:04:05.600000", "1.50", "12345678-1234-5678-1234-567812345678"])");
  EXPECT_EQ(written(bytes{"ascii"}), R"("ascii")");
  EXPECT_THAT(written(bytes{"\xff"}), HasSubstr("use the serializer msgpack, or typed_json"));
}

TEST(json, writes_pythons_scalars_typed_for_new_peers) {
  EXPECT_EQ(written(datetime{1577934245678901, 0}, {.typed = true}),
            R"({"__type__": "datetime", "__value__": "2020-01-02T03:04:05.678901+00:00"})");
  EXPECT_EQ(written(date{18263}, {.typed = true}), R"({"__type__": "date", "__value__": "2020-01-02"})");
  EXPECT_EQ(written(*uuid::parse("12345678-1234-5678-1234-567812345678"), {.typed = true}),
            R"({"__type__": "uuid", "__value__": {"hex": "12345678123456781234567812345678"}})");
  EXPECT_EQ(written(bytes{"ascii"}, {.typed = true}), R"({"__type__": "bytes", "__value__": "ascii"})");
  EXPECT_EQ(written(bytes{std::string{"\0\xff", 2}}, {.typed = true}),
            R"({"__type__": "base64", "__value__": "AP8="})");
}

TEST(json, reads_back_what_it_wrote_typed) {
  auto all = scalars();
  all.push_back(bytes{"ascii"});
  all.push_back(bytes{"\xff\xfe"});
  auto const text = to_json(all, {.typed = true});
  ASSERT_TRUE(text);
  auto const back = from_json(*text);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, value{all});
}

TEST(json, refuses_typed_objects_it_cannot_read_naming_the_type) {
  EXPECT_EQ(json_problem(R"([{"__type__": "complex", "__value__": 1}])"),
            "JSON: unknown \"__type__\": \"complex\" (byte 1)");
  EXPECT_THAT(json_problem(R"({"__type__": "uuid", "__value__": {"hex": "12"}})"), HasSubstr("typed uuid"));
  EXPECT_THAT(json_problem(R"({"__type__": "datetime", "__value__": 5})"),
              HasSubstr("typed datetime needs text, got int"));
  EXPECT_THAT(json_problem(R"({"__type__": "date", "__value__": "soon"})"), HasSubstr("not an ISO 8601 time"));
  EXPECT_THAT(json_problem(R"({"__type__": "base64", "__value__": "A"})"), HasSubstr("not base64"));
  EXPECT_THAT(json_problem(R"({"__type__": 1, "__value__": "A"})"), HasSubstr("is no text"));
}

TEST(json, leaves_typed_objects_alone_when_asked_or_when_they_have_more_keys) {
  std::string const two = R"({"__type__": "complex", "__value__": 1})";
  EXPECT_EQ(written(*from_json(two, true)), two);
  std::string const three = R"({"__type__": "complex", "__value__": 1, "x": 2})";
  EXPECT_EQ(json_reread(three), three);
}

TEST(json, refuses_values_that_would_be_read_as_something_else) {
  value const odd{value::map{{"__type__", "x"}, {"__value__", 1}}};
  EXPECT_THAT(written(odd, {.typed = true}), HasSubstr("add a key"));
  EXPECT_THAT(written("\xff"), HasSubstr("text is not UTF-8 at its byte 0; use lovage::bytes"));
  EXPECT_THAT(written(datetime{INT64_MAX, 0}), HasSubstr("years 1 to 9999"));
  EXPECT_THAT(written(time_of_day{-1}), HasSubstr("not within one day"));
}

}  // namespace
}  // namespace lovage::wire
