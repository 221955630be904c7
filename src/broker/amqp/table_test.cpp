#include "broker/amqp/table.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace lovage::broker::amqp {
namespace {

using ::testing::HasSubstr;

/// Through bytes and back, as over a wire.
value::map round_trip(value::map const& from) {
  arena memory;
  auto table = to_table(from, memory).value();
  std::string bytes(1U << 20, '\0');
  std::size_t offset = 0;
  EXPECT_EQ(amqp_encode_table({bytes.size(), bytes.data()}, &table, &offset), AMQP_STATUS_OK);
  amqp_table_t back{};
  std::size_t end = 0;
  EXPECT_EQ(amqp_decode_table({offset, bytes.data()}, memory.get(), &back, &end), AMQP_STATUS_OK);
  return from_table(back);
}

char kind_of(value const& v) {
  arena memory;
  value::map const m{{"k", v}};
  return static_cast<char>(to_table(m, memory).value().entries[0].value.kind);
}

TEST(AmqpTable, keeps_every_value_that_amqp_has) {
  value::map const all{
      {"null", nullptr},
      {"yes", true},
      {"no", false},
      {"small", -5},
      {"edge", std::numeric_limits<std::int32_t>::max()},
      {"large", 3'000'000'000},
      {"negative", std::numeric_limits<std::int64_t>::min()},
      {"float", 1.5},
      {"text", "ü"},
      {"empty", ""},
      {"list", value::list{1, "a", nullptr, value::list{}, value::map{{"x", 1}}}},
      {"map", value::map{{"a", value::map{{"b", value::list{true}}}}}},
      {"money", decimal{"1.50"}},
      {"whole", decimal{"3"}},
      {"small money", decimal{"0.005"}},
      {"time", datetime{1'600'000'000'000'000, 0}},
  };
  EXPECT_EQ(round_trip(all), all);
}

TEST(AmqpTable, writes_the_types_that_python_reads_alike) {
  EXPECT_EQ(kind_of(nullptr), 'V');
  EXPECT_EQ(kind_of(true), 't');
  EXPECT_EQ(kind_of(1), 'I');
  EXPECT_EQ(kind_of(1LL << 40), 'L');
  EXPECT_EQ(kind_of(1.5), 'd');
  EXPECT_EQ(kind_of("a"), 'S');
  EXPECT_EQ(kind_of(bytes{"a"}), 'S');
  EXPECT_EQ(kind_of(value::list{}), 'A');
  EXPECT_EQ(kind_of(value::map{}), 'F');
  EXPECT_EQ(kind_of(decimal{"1.5"}), 'D');
  EXPECT_EQ(kind_of(decimal{"99999999999"}), 'S');
  EXPECT_EQ(kind_of(decimal{"-1"}), 'S');
  EXPECT_EQ(kind_of(datetime{}), 'T');
}

TEST(AmqpTable, writes_what_amqp_has_not_as_text) {
  auto const back = round_trip({{"huge", std::numeric_limits<std::uint64_t>::max()},
                                {"big", big_integer{"-123456789012345678901234567890"}},
                                {"id", uuid::parse("12345678-1234-5678-1234-567812345678").value()}});
  EXPECT_EQ(back[0].val, value{"18446744073709551615"});
  EXPECT_EQ(back[1].val, value{"-123456789012345678901234567890"});
  EXPECT_EQ(back[2].val, value{"12345678-1234-5678-1234-567812345678"});
}

TEST(AmqpTable, reads_all_that_rabbitmq_can_send) {
  amqp_table_entry_t entries[9]{};
  auto put = [&, n = 0](char kind) mutable -> amqp_field_value_t& {
    entries[n].key = borrow("k");
    entries[n].value.kind = static_cast<std::uint8_t>(kind);
    return entries[n++].value;
  };
  put('b').value.i8 = -1;
  put('B').value.u8 = 255;
  put('s').value.i16 = -2;
  put('u').value.u16 = 65'535;
  put('i').value.u32 = 4'000'000'000;
  put('l').value.i64 = -3;
  put('f').value.f32 = 0.5F;
  put('x').value.bytes = borrow("\xff");
  put('S').value.bytes = borrow("\xff");
  auto const m = from_table({9, entries});
  value::list got;
  for (auto const& item : m) got.push_back(item.val);
  EXPECT_EQ(got, (value::list{-1, 255, -2, 65'535, 4'000'000'000, -3, 0.5, bytes{"\xff"}, bytes{"\xff"}}));
}

TEST(AmqpTable, takes_a_time_beyond_pythons_last_year_for_a_number) {
  amqp_table_entry_t entry{};
  entry.value.kind = AMQP_FIELD_KIND_TIMESTAMP;
  entry.value.value.u64 = 1ULL << 60;
  EXPECT_EQ(from_table({1, &entry})[0].val, value{1LL << 60});
}

TEST(AmqpTable, refuses_keys_and_depths_that_would_not_arrive) {
  arena memory;
  value::map const long_key{{std::string(256, 'k'), 1}};
  EXPECT_THAT(to_table(long_key, memory).error().text(), HasSubstr("255"));
  value deep = 1;
  for (int i = 0; i < 70; ++i) deep = value::list{deep};
  value::map const m{{"deep", deep}};
  EXPECT_EQ(to_table(m, memory).error().code, errc::encode);
  value maps = 1;
  for (int i = 0; i < 70; ++i) maps = value::map{{"m", maps}};
  value::map const n{{"deep", maps}};
  EXPECT_EQ(to_table(n, memory).error().code, errc::encode);
}

TEST(AmqpTable, cuts_what_is_nested_too_deep_when_it_comes) {
  arena memory;
  amqp_field_value_t inner{};
  inner.kind = AMQP_FIELD_KIND_VOID;
  for (int i = 0; i < 1'000; ++i) {
    auto* outer = memory.make<amqp_field_value_t>();
    *outer = inner;
    inner.kind = AMQP_FIELD_KIND_ARRAY;
    inner.value.array = {1, outer};
  }
  amqp_table_entry_t entry{borrow("deep"), inner};
  auto const m = from_table({1, &entry});
  int depth = 0;
  for (auto const* at = &m[0].val; at; ++depth) {
    auto const* list = at->get_if<value::list>();
    at = list && !list->empty() ? &list->front() : nullptr;
  }
  EXPECT_LE(depth, 66);
}

}  // namespace
}  // namespace lovage::broker::amqp
