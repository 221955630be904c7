#include "wire/signature.hpp"

#include "wire/serializer.hpp"

#include <gtest/gtest.h>

namespace lovage::wire {
namespace {

signature call(char const* task, value::list args = {}) {
  signature s;
  s.task = task;
  s.args = std::move(args);
  return s;
}

expected<signature> parse(char const* json) { return signature::from_value(from_json(json).value()); }

TEST(signature, puts_partial_arguments_in_front_and_keywords_over) {
  auto s = call("shop.add", {10});
  s.kwargs = {{"x", 1}, {"y", 2}};
  s.apply_partial({5, 6}, {{"y", 3}, {"z", 4}});
  EXPECT_EQ(s.args, (value::list{5, 6, 10}));
  EXPECT_EQ(s.kwargs, (value::map{{"x", 1}, {"y", 3}, {"z", 4}}));
}

TEST(signature, that_is_immutable_takes_no_partial_arguments) {
  auto s = call("shop.add", {10});
  s.immutable = true;
  s.apply_partial({5}, {{"x", 1}});
  EXPECT_EQ(s.args, (value::list{value{10}}));
  EXPECT_TRUE(s.kwargs.empty());
}

TEST(signature, keeps_keys_of_other_releases) {
  auto const s = parse(R"({"task": "t", "args": [], "kwargs": {}, "options": {}, "chord_size": null})");
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->extra.size(), 1u);
  EXPECT_EQ(s->to_value().get_if<value::map>()->back().key, "chord_size");
}

TEST(signature, names_the_key_that_is_missing) {
  EXPECT_EQ(parse(R"({"task": "t", "args": [], "kwargs": {}})").error().where, "signature.options");
  EXPECT_EQ(parse(R"({"args": [], "kwargs": {}, "options": {}})").error().where, "signature.task");
  EXPECT_EQ(parse(R"({"task": "t", "args": {}, "kwargs": {}, "options": {}})").error().where, "signature.args");
  EXPECT_EQ(parse("[]").error().where, "signature");
}

TEST(containers, are_taken_apart_and_put_together) {
  std::vector const steps{call("a"), call("b", {1})};
  EXPECT_EQ(make_chain(steps).kind(), signature_kind::chain);
  EXPECT_EQ(members(make_chain(steps)).value(), steps);
  EXPECT_EQ(members(make_group(steps)).value(), steps);
  auto const chord = split_chord(make_chord(steps, call("sum")));
  ASSERT_TRUE(chord) << chord.error().text();
  EXPECT_EQ(chord->header, steps);
  EXPECT_EQ(chord->body, call("sum"));
  auto const chunks = split_map(make_map(signature_kind::chunks, call("a"), {1, 2, 3}, 2));
  ASSERT_TRUE(chunks) << chunks.error().text();
  EXPECT_EQ(chunks->chunk_size, 2);
  EXPECT_EQ(chunks->items.size(), 3u);
}

TEST(containers, read_the_header_of_a_frozen_chord) {
  auto chord = make_chord({}, call("sum"));
  auto header = make_group({call("a"), call("b")});
  header.set_option("task_id", "gid");
  chord.kwargs[1].val = header.to_value();
  auto const parts = split_chord(chord);
  ASSERT_TRUE(parts) << parts.error().text();
  EXPECT_TRUE(parts->header_is_group);
  EXPECT_EQ(parts->header.size(), 2u);
  EXPECT_EQ(parts->header_options, (value::map{{"task_id", "gid"}}));
}

TEST(containers, say_which_member_is_broken) {
  auto chain = make_chain({call("a"), call("b")});
  auto& tasks = *chain.kwargs[0].val.get_if<value::list>();
  tasks[1] = value::map{{"task", "b"}};
  EXPECT_EQ(members(chain).error().where, "signature.kwargs.tasks[1].args");
  EXPECT_EQ(members(call("a")).error().code, errc::invalid_argument);
  EXPECT_EQ(split_map(make_map(signature_kind::chunks, call("a"), {}, 0)).error().where, "signature.kwargs.n");
}

TEST(containers, are_known_by_the_id_of_what_they_call_first) {
  auto frozen = [](signature s, char const* id) {
    s.set_option("task_id", id);
    return s;
  };
  auto const step = frozen(call("a"), "one");
  EXPECT_EQ(first_id(step.to_value()), "one");
  EXPECT_EQ(first_id(make_chain({make_chain({step}), call("b")}).to_value()), "one");
  EXPECT_EQ(first_id(make_chain({frozen(make_group({step}), "gid"), call("b")}).to_value()), "gid");
  EXPECT_EQ(first_id(call("a").to_value()), "");
  EXPECT_EQ(first_id(make_chain({}).to_value()), "");
  EXPECT_EQ(first_id(value{}), "");
}

TEST(options, are_set_found_and_removed) {
  auto s = call("a");
  s.set_option("queue", "x");
  s.set_option("queue", "y");
  s.set_option("eta", {});
  EXPECT_EQ(*s.option("queue"), value{"y"});
  EXPECT_EQ(s.option("eta"), nullptr);
  s.remove_option("queue");
  EXPECT_EQ(s.option("queue"), nullptr);
}

}  // namespace
}  // namespace lovage::wire
