#include "backend_conformance.hpp"

#include <gmock/gmock.h>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<value> results(chord_end const& of) {
  std::vector<value> out;
  for (auto const& p : of.parts) out.push_back(p.result);
  return out;
}

TEST_P(BackendChords, are_given_out_once_when_the_last_part_is_in_and_in_the_headers_order) {
  start(3);
  EXPECT_THAT(count({part(2, "c")}), IsEmpty());
  EXPECT_THAT(count({part(0, 17)}), IsEmpty());
  auto const ends = count({part(1, value::list{1, 2})});
  ASSERT_THAT(ends, SizeIs(1));
  EXPECT_EQ(ends[0].group, "g");
  EXPECT_EQ(ends[0].by, 0U);
  EXPECT_THAT(results(ends[0]), ElementsAre(value{17}, value{value::list{1, 2}}, value{"c"}));
  EXPECT_EQ(ends[0].parts[2].id, task_id{"m2"});
  EXPECT_THAT(count({part(1, value::list{1, 2})}), IsEmpty());
}

TEST_P(BackendChords, count_a_member_that_ran_twice_once) {
  start(2);
  EXPECT_THAT(count({part(0, 1)}), IsEmpty());
  EXPECT_THAT(count({part(0, 2)}), IsEmpty());
  auto const ends = count({part(1, 3)});
  ASSERT_THAT(ends, SizeIs(1));
  EXPECT_THAT(results(ends[0]), ElementsAre(value{1}, value{3}));
}

TEST_P(BackendChords, wait_for_their_start) {
  EXPECT_THAT(count({part(0)}), IsEmpty());
  start(2);
  EXPECT_THAT(count({part(1)}), SizeIs(1));
}

TEST_P(BackendChords, that_nobody_starts_are_forgotten_even_where_results_are_kept_for_ever) {
  auto const count_for_ever = [&](std::int64_t index) {
    return backend_->count_parts(std::vector{part(index)}, std::vector<value>(1), 0s, 5s).value();
  };
  EXPECT_THAT(count_for_ever(0), IsEmpty());
  advance(stray_parts + 1s);
  ASSERT_TRUE(backend_->cleanup(5s));
  ASSERT_TRUE(backend_->start_chords(std::vector{chord_start{"g", 2, {}}}, 0s, 5s));
  EXPECT_THAT(count_for_ever(1), IsEmpty());
  advance(stray_parts + 1s);
  ASSERT_TRUE(backend_->cleanup(5s));
  EXPECT_THAT(count_for_ever(0), SizeIs(1)) << "one that was started waits as long as it takes";
}

TEST_P(BackendChords, say_which_part_completed_them) {
  start(2);
  ASSERT_TRUE(backend_->start_chords(std::vector{chord_start{"other", 1, {}}}, 1h, 5s));
  chord_part const other{"other", 0, task_id{"o"}, wire::state::failure, value::map{{"exc_type", "ValueError"}}};
  auto const ends = count({part(0), other, part(1)});
  ASSERT_THAT(ends, SizeIs(2));
  EXPECT_EQ(ends[0].group, "other");
  EXPECT_EQ(ends[0].by, 1U);
  EXPECT_EQ(ends[0].parts[0].status, wire::state::failure);
  EXPECT_EQ(ends[0].parts[0].result, other.result);
  EXPECT_EQ(ends[1].by, 2U);
}

TEST_P(BackendChords, keep_the_body_they_were_started_with) {
  value const stored = value::map{{"task", "shop.total"}, {"args", value::list{}}};
  start(1, stored);
  EXPECT_EQ(backend_->chord_body("g", 5s).value(), stored);
  auto const ends = count({part(0)}, value::map{{"task", "a short one"}});
  ASSERT_THAT(ends, SizeIs(1));
  EXPECT_EQ(ends[0].body, stored);
  EXPECT_TRUE(backend_->chord_body("nobody", 5s).value().is_null());
}

TEST_P(BackendChords, whose_sender_dies_are_claimed_by_another) {
  value const body = value::map{{"task", "shop.total"}};
  start(2);
  EXPECT_THAT(count({part(0, 1), part(1, 2)}, body), SizeIs(1));
  EXPECT_THAT(orphans(), IsEmpty());
  advance(chord_claim + 1s);
  auto const found = orphans();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].body, body);
  EXPECT_EQ(found[0].by, std::nullopt);
  EXPECT_THAT(results(found[0]), ElementsAre(value{1}, value{2}));
  EXPECT_THAT(orphans(), IsEmpty());
}

TEST_P(BackendChords, are_given_out_again_to_a_member_that_runs_again_after_its_worker_died) {
  start(1);
  EXPECT_THAT(count({part(0, 1)}), SizeIs(1));
  advance(chord_claim + 1s);
  EXPECT_THAT(count({part(0, 1)}), SizeIs(1));
}

TEST_P(BackendChords, are_forgotten_at_their_end) {
  start(1);
  EXPECT_THAT(count({part(0)}), SizeIs(1));
  ASSERT_TRUE(backend_->end_chords(std::vector<std::string>{"g"}, 5s));
  advance(chord_claim + 1s);
  EXPECT_THAT(orphans(), IsEmpty());
  EXPECT_THAT(count({part(0)}), IsEmpty());
}

TEST_P(BackendChords, that_are_over_are_not_begun_again_by_a_header_that_is_sent_twice) {
  start(1);
  EXPECT_THAT(count({part(0)}), SizeIs(1));
  ASSERT_TRUE(backend_->end_chords(std::vector<std::string>{"g"}, 5s));
  start(1);
  EXPECT_THAT(count({part(0)}), IsEmpty());
  advance(chord_over + 1s);
  ASSERT_TRUE(backend_->cleanup(5s));
  start(1);
  EXPECT_THAT(count({part(0)}), SizeIs(1)) << "the same ids used anew";
}

TEST_P(BackendChords, grow_by_the_tasks_that_members_add) {
  start(1);
  grow({"m1", "m2"});
  EXPECT_THAT(count({part(0)}), IsEmpty());
  EXPECT_THAT(count({part(1)}), IsEmpty());
  EXPECT_THAT(count({part(2)}), SizeIs(1));
}

TEST_P(BackendChords, grow_once_by_a_task_that_is_added_twice) {
  start(1);
  grow({"m1", "m2"});
  grow({"m1", "m2"});
  EXPECT_THAT(count({part(1), part(0)}), IsEmpty());
  grow({"m2", "m3"});
  EXPECT_THAT(count({part(2)}), IsEmpty());
  EXPECT_THAT(count({part(3)}), SizeIs(1));
}

TEST_P(BackendChords, count_an_added_task_once_though_it_ran_before_its_member_was_run_again) {
  start(1);
  grow({"m1"});
  EXPECT_THAT(count({part(1)}), IsEmpty());
  grow({"m1"});
  EXPECT_THAT(count({part(1)}), IsEmpty());
  EXPECT_THAT(count({part(0)}), SizeIs(1));
}

TEST_P(BackendChords, do_not_grow_once_they_are_over) {
  start(1);
  EXPECT_THAT(count({part(0)}), SizeIs(1));
  ASSERT_TRUE(backend_->end_chords(std::vector<std::string>{"g"}, 5s));
  grow({"m1"});
  advance(chord_over + 1s);
  ASSERT_TRUE(backend_->cleanup(5s));
  start(1);
  EXPECT_THAT(count({part(0)}), SizeIs(1)) << "the same ids used anew";
}

TEST_P(BackendChords, of_a_thousand_members_come_in_one_piece) {
  start(1'000);
  std::vector<chord_part> parts;
  for (int i = 999; i >= 0; --i) parts.push_back(part(i, i));
  auto const ends = count(parts);
  ASSERT_THAT(ends, SizeIs(1));
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(ends[0].parts[static_cast<std::size_t>(i)].result, value{i});
}

TEST_P(BackendChords, stand_beside_saved_groups) {
  wire::result_tuple const group{"g", {}, std::vector<wire::result_tuple>{{"a", {}, {}}, {"b", {}, {}}}};
  EXPECT_EQ(backend_->fetch_group("g", 5s).value(), std::nullopt);
  ASSERT_TRUE(backend_->store_group(group, 1h, 5s));
  EXPECT_EQ(backend_->fetch_group("g", 5s).value(), group);
  advance(1h + 1s);
  EXPECT_EQ(backend_->fetch_group("g", 5s).value(), std::nullopt);
  ASSERT_TRUE(backend_->store_group(group, 0s, 5s));
  advance(2h);
  EXPECT_EQ(backend_->fetch_group("g", 5s).value(), group);
  ASSERT_TRUE(backend_->forget_group("g", 5s));
  EXPECT_EQ(backend_->fetch_group("g", 5s).value(), std::nullopt);
}

}  // namespace
}  // namespace lovage::backend
