#include "wire/result_record.hpp"

#include "wire/result_tuple.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

TEST(result_record, reads_the_minimal_record) {
  auto const r = decode_record(R"({"status": "SUCCESS", "result": 5, "task_id": "t"})");
  ASSERT_TRUE(r) << r.error().text();
  EXPECT_TRUE(r->ready());
  EXPECT_EQ(r->result, value{5});
  EXPECT_TRUE(r->children.is_null());
  EXPECT_FALSE(r->traceback);
}

TEST(result_record, names_the_key_that_is_wrong) {
  auto const where = [](char const* text) {
    auto const r = decode_record(text);
    return r ? std::string{"accepted"} : r.error().where;
  };
  EXPECT_EQ(where(R"({"result": 5})"), "result.status");
  EXPECT_EQ(where(R"({"status": 5})"), "result.status");
  EXPECT_EQ(where(R"({"status": "SUCCESS", "children": 5})"), "result.children");
  EXPECT_EQ(where(R"({"status": "SUCCESS", "traceback": []})"), "result.traceback");
  EXPECT_EQ(where("[]"), "result");
  EXPECT_NE(where("{"), "accepted");
  EXPECT_EQ(decode_record("x", "pickle").error().code, errc::not_supported);
}

TEST(result_record, is_not_written_without_the_id_that_waiting_clients_look_for) {
  result_record r;
  EXPECT_EQ(encode_record(r).error().where, "result.task_id");
  r.id = task_id{"t"};
  EXPECT_TRUE(encode_record(r));
}

TEST(result_record, does_not_hold_where_it_is_sent) {
  result_record r;
  r.id = task_id{"t"};
  auto const plain = encode_record(r).value();
  r.reply_to = "queue";
  r.correlation_id = "other";
  EXPECT_EQ(encode_record(r).value(), plain);
  EXPECT_EQ(to_rpc_value(r).find("reply_to"), nullptr);
  EXPECT_EQ(decode_record(plain).value(), r);
  r.status = "STARTED";
  EXPECT_NE(decode_record(plain).value(), r);
}

TEST(exception_info, accepts_the_odd_shapes) {
  auto const text = [](value::map m) { return exception_info::from_value(value{std::move(m)}).value().text(); };
  EXPECT_EQ(text({{"exc_type", "ValueError"}, {"exc_message", value::list{value{"boom"}}}, {"exc_module", "builtins"}}),
            "boom");
  EXPECT_EQ(text({{"exc_type", "ValueError"}, {"exc_message", "boom"}, {"exc_module", nullptr}}), "boom");
  EXPECT_EQ(text({{"exc_type", "E"}, {"exc_message", value::list{42, "why"}}}), "42, 'why'");
  EXPECT_EQ(text({{"exc_type", "E"}}), "");
  EXPECT_FALSE(exception_info::from_value(value{"boom"}));
  EXPECT_FALSE(exception_info::from_value(value{value::map{{"exc_message", "boom"}}}));
}

TEST(result_tuple, is_nested_as_python_nests_it) {
  result_tuple const last{"last", {result_tuple{"first", {}, {}}}, {}};
  EXPECT_EQ(encode_group(last).value(), R"({"result": [["last", [["first", null], null]], null]})");
  result_tuple const group{"g", {}, std::vector{last}};
  EXPECT_EQ(decode_group(encode_group(group).value()).value(), group);
}

TEST(result_tuple, says_where_it_is_broken) {
  auto const where = [](char const* text) { return decode_group(text).error().where; };
  EXPECT_EQ(where(R"({"result": [["g", null], [[["a", 5], null]]]})"), "tuple.children[0].parent");
  EXPECT_EQ(where(R"({"result": [["g"], null]})"), "tuple");
  EXPECT_EQ(where(R"({})"), "result");
}

}  // namespace
}  // namespace lovage::wire
