#include <lovage/unpack.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

value unpack(std::string_view data) {
  unpacker in{data};
  auto out = in.any();
  EXPECT_TRUE(in.at_end());
  return out;
}
std::string unpack_problem(std::string_view data) {
  try {
    (void)unpacker{data}.any();
    return "no error";
  } catch (error const& e) {
    EXPECT_EQ(e.code(), errc::decode);
    return e.what();
  }
}

TEST(pack, writes_every_integer_in_its_shortest_form) {
  struct {
    std::int64_t i;
    std::string data;
  } const cases[] = {{0, "\0"s},
                     {127, "\x7f"s},
                     {128, "\xcc\x80"s},
                     {255, "\xcc\xff"s},
                     {256, "\xcd\x01\x00"s},
                     {65535, "\xcd\xff\xff"s},
                     {65536, "\xce\x00\x01\x00\x00"s},
                     {4294967295, "\xce\xff\xff\xff\xff"s},
                     {4294967296, "\xcf\x00\x00\x00\x01\x00\x00\x00\x00"s},
                     {INT64_MAX, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"s},
                     {-1, "\xff"s},
                     {-32, "\xe0"s},
                     {-33, "\xd0\xdf"s},
                     {-128, "\xd0\x80"s},
                     {-129, "\xd1\xff\x7f"s},
                     {-32768, "\xd1\x80\x00"s},
                     {-32769, "\xd2\xff\xff\x7f\xff"s},
                     {INT32_MIN, "\xd2\x80\x00\x00\x00"s},
                     {INT64_C(-2147483649), "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"s},
                     {INT64_MIN, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00"s}};
  for (auto const& c : cases) {
    EXPECT_EQ(pack(c.i), c.data) << c.i;
    EXPECT_EQ(unpack(c.data), value{c.i}) << c.i;
  }
  EXPECT_EQ(pack(UINT64_MAX), "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"s);
  EXPECT_EQ(unpack(pack(UINT64_MAX)), value{UINT64_MAX});
}

TEST(pack, reads_integers_in_longer_forms_than_needed) {
  EXPECT_EQ(unpack("\xd3\x00\x00\x00\x00\x00\x00\x00\x05"s), value{5});
  EXPECT_EQ(unpack("\xd0\x05"s), value{5});
  EXPECT_EQ(unpack("\xce\x00\x00\x00\x05"s), value{5});
}

TEST(pack, writes_lengths_of_every_width) {
  for (std::size_t n : {0u, 1u, 15u, 16u, 31u, 32u, 255u, 256u, 65535u, 65536u}) {
    value const v{value::list{std::string(n, 's'), bytes{std::string(n, 'b')}, value::list(n, value{1}),
                              value::map(n, {"k", 2}), big_integer{std::string(n, '7')}}};
    EXPECT_EQ(unpack(pack(v)), v) << n;
  }
  EXPECT_EQ(pack(std::string(32, 's')).substr(0, 2), "\xd9\x20"s);
  EXPECT_EQ(pack(bytes{"b"}).substr(0, 2), "\xc4\x01"s);
  EXPECT_EQ(pack(value::list(16, value{1})).substr(0, 3), "\xdc\x00\x10"s);
}

TEST(pack, gives_back_every_kind) {
  value const v{value::list{nullptr, true, false, 1.5, "text", bytes{"octets"}, big_integer{"-99999999999999999999"},
                            decimal{"1.50"}, *uuid::parse("12345678123456781234567812345678"),
                            datetime{-5, std::nullopt}, datetime{5, 0}, datetime{INT64_MIN, -19800}, date{-1},
                            time_of_day{86399999999}, value::map{{"a", value::list{}}}}};
  EXPECT_EQ(unpack(pack(v)), v);
}

TEST(pack, reads_single_floats) { EXPECT_EQ(unpack("\xca\x3f\xc0\x00\x00"s), value{1.5}); }

TEST(pack, skips_every_kind) {
  value const v{value::list{nullptr, true, 1, UINT64_MAX, 1.5, "text", bytes{"octets"}, decimal{"1"},
                            value::map{{"a", value::list{1, 2}}}}};
  auto const data = pack(v) + pack(7);
  unpacker in{data};
  EXPECT_EQ(in.raw(), pack(v));
  EXPECT_EQ(in.integer(), 7);
  EXPECT_TRUE(in.at_end());
}

TEST(pack, refuses_data_that_ends_early_at_every_byte) {
  auto const data = pack(value::list{1, 300, 70000, INT64_MIN, 1.5, "text", std::string(300, 'x'), bytes{"octets"},
                                     datetime{1, 2}, value::map{{"k", nullptr}}, UINT64_MAX});
  for (std::size_t n = 0; n < data.size(); ++n) {
    EXPECT_NE(unpack_problem(std::string_view{data}.substr(0, n)), "no error") << n;
    unpacker in{std::string_view{data}.substr(0, n)};
    EXPECT_THROW(in.skip(), error) << n;
  }
}

TEST(pack, refuses_lengths_beyond_the_data_before_it_allocates) {
  for (auto const& data :
       {"\xdd\xff\xff\xff\xff"s, "\xdf\xff\xff\xff\xff"s, "\xdb\xff\xff\xff\xff"s, "\xc6\xff\xff\xff\xff"s,
        "\xc9\xff\xff\xff\xff\x01"s, "\xdd\x00\x00\x00\x02\xc0"s, "\xde\x00\x01\xc0"s})
    EXPECT_NE(unpack_problem(data), "no error");
}

TEST(pack, refuses_to_nest_without_end) {
  EXPECT_THAT(unpack_problem(std::string(1'000'000, '\x91')), HasSubstr("nested deeper than 500 levels"));
  EXPECT_THAT(unpack_problem(std::string(1'000'000, '\x81')), HasSubstr("expected str, got map"));
  std::string maps;
  for (int i = 0; i < 1000; ++i) maps += "\x81\xa0";
  EXPECT_THAT(unpack_problem(maps), HasSubstr("nested deeper than 500 levels"));
  std::string const bomb(1'000'000, '\x91');
  EXPECT_THROW(unpacker{bomb}.skip(), error);
}

TEST(pack, names_what_it_expected_and_what_it_got) {
  EXPECT_THROW(unpacker{"\xc0"}.integer(), error);
  try {
    unpacker in{"\x01\xa1x"};
    (void)in.integer();
    (void)in.integer();
    FAIL();
  } catch (error const& e) {
    EXPECT_STREQ(e.what(), "expected int, got str (byte 1)");
  }
  EXPECT_THROW(unpacker{"\xff"}.unsigned_integer(), error);
  EXPECT_EQ(unpacker{"\x05"}.real(), 5.0);
}

TEST(pack, refuses_unknown_and_misshapen_extensions) {
  EXPECT_EQ(unpack_problem("\xd4\x63x"), "unknown extension type 99 of 1 bytes (byte 0)");
  EXPECT_EQ(unpack_problem("\xd4\x03x"), "unknown extension type 3 of 1 bytes (byte 0)");
  EXPECT_THAT(unpack_problem("\xd4\x06x"), HasSubstr("unknown extension type 6 of 1 bytes"));
}

TEST(pack, names_the_byte_where_the_wrong_item_starts) {
  EXPECT_EQ(unpack_problem("\x91\xc1"), "invalid byte (byte 1)");
  EXPECT_EQ(unpack_problem("\x92\x01\xa5"
                           "abc"),
            "data ends early (byte 3)");
  EXPECT_EQ(unpack_problem("\x81\x01\x02"), "expected str, got int (byte 1)");
}

}  // namespace
}  // namespace lovage
