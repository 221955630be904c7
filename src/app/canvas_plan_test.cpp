#include "app/canvas_plan.hpp"

#include "wire/serializer.hpp"

#include <gtest/gtest.h>

namespace lovage::canvas_tests {
namespace {

using namespace detail;
using wire::signature;
using wire::signature_kind;

signature task(std::string name) {
  signature s;
  s.task = std::move(name);
  return s;
}

std::vector<signature> tasks(std::string const& name, int n) {
  std::vector<signature> out;
  for (int i = 0; i < n; ++i) out.push_back(task(name + std::to_string(i)));
  return out;
}

// "a b [c | d e] -> f": tasks, members, body.
std::string shape(canvas_tree const& c) {
  std::string out;
  for (auto const& t : c.tasks) out += (out.empty() ? "" : " ") + t.task;
  if (!c.fan) return out;
  if (!out.empty()) out += ' ';
  out += '[';
  for (auto const& m : c.fan->members) out += (&m == c.fan->members.data() ? "" : " | ") + shape(m);
  out += ']';
  if (c.fan->chord) out += " -> " + shape(c.fan->body);
  return out;
}

std::string shape(signature s) { return shape(canvas_of(std::move(s)).value()); }
signature chain(std::vector<signature> steps) { return wire::make_chain(std::move(steps)); }
signature group(std::vector<signature> members) { return wire::make_group(std::move(members)); }
signature chord(std::vector<signature> header, signature body) {
  return wire::make_chord(std::move(header), std::move(body));
}

TEST(CanvasShape, ChainsInsideChainsAreTheirSteps) {
  EXPECT_EQ(shape(task("a")), "a");
  EXPECT_EQ(shape(chain({task("a")})), "a");
  EXPECT_EQ(shape(chain({task("a"), chain({task("b"), chain({task("c")})}), task("d")})), "a b c d");
  EXPECT_EQ(shape(chain({})), "");
  EXPECT_EQ(shape(chain({chain({}), task("a")})), "a");
}

TEST(CanvasShape, AGroupThatSomethingFollowsIsAChord) {
  EXPECT_EQ(shape(chain({task("a"), group(tasks("m", 2)), task("b"), task("c")})), "a [m0 | m1] -> b c");
  EXPECT_EQ(shape(chain({group({task("m")}), task("b")})), "[m] -> b");
  EXPECT_EQ(shape(chain({task("a"), group(tasks("m", 2))})), "a [m0 | m1]");
  EXPECT_EQ(shape(chain({group(tasks("m", 2)), group(tasks("n", 2))})), "[m0 | m1] -> [n0 | n1]");
  EXPECT_EQ(shape(chain({group(tasks("m", 2)), group(tasks("n", 2)), task("z")})), "[m0 | m1] -> [n0 | n1] -> z");
  EXPECT_EQ(shape(chain({group({}), task("b")})), "[] -> b");
}

TEST(CanvasShape, WhatFollowsAChordIsTheEndOfItsBody) {
  EXPECT_EQ(shape(chain({chord(tasks("m", 2), task("b")), task("c")})), "[m0 | m1] -> b c");
  EXPECT_EQ(shape(chain({chord(tasks("m", 1), group(tasks("n", 2))), task("c")})), "[m0] -> [n0 | n1] -> c");
  EXPECT_EQ(shape(chord(tasks("m", 2), chain({}))), "[m0 | m1]");
}

TEST(CanvasShape, GroupsInsideGroupsAreFlat) {
  EXPECT_EQ(shape(group({task("a"), group({task("b"), group({task("c")})}), group({}), chain({})})), "[a | b | c]");
  EXPECT_EQ(shape(group({task("a"), chain({task("b"), group(tasks("m", 2))})})), "[a | b [m0 | m1]]");
}

TEST(CanvasShape, EveryMemberOfAChordEndsInOneTask) {
  EXPECT_EQ(shape(chord({task("a"), chain({task("b"), group(tasks("m", 2))})}, task("z"))),
            "[a | b [m0 | m1] -> celery.accumulate] -> z");
  EXPECT_EQ(shape(chord({chord(tasks("m", 1), group(tasks("n", 2)))}, task("z"))),
            "[[m0] -> [n0 | n1] -> celery.accumulate] -> z");
  EXPECT_EQ(shape(chain({group({chord(tasks("m", 1), task("b"))}), task("z")})), "[[m0] -> b] -> z");
}

TEST(CanvasShape, ChunksAreAGroupOfStarmaps) {
  value::list items;
  for (int i = 0; i < 5; ++i) items.push_back(value::list{i, i});
  auto const c = canvas_of(wire::make_map(signature_kind::chunks, task("a"), items, 2)).value();
  ASSERT_EQ(shape(c), "[celery.starmap | celery.starmap | celery.starmap]");
  EXPECT_EQ(wire::split_map(c.fan->members[2].tasks[0])->items, (value::list{items[4]}));
  EXPECT_TRUE(c.fan->members[0].tasks[0].immutable);
  EXPECT_EQ(shape(wire::make_map(signature_kind::map, task("a"), items)), "celery.map");
}

TEST(CanvasShape, ArgumentsOfAContainerGoToItsFirstTasks) {
  auto s = group({task("a"), chain({task("b"), task("c")}), chord(tasks("m", 1), task("z"))});
  s.args = {7};
  auto const c = canvas_of(s).value();
  EXPECT_EQ(c.fan->members[0].tasks[0].args, value::list{7});
  EXPECT_EQ(c.fan->members[1].tasks[0].args, value::list{7});
  EXPECT_TRUE(c.fan->members[1].tasks[1].args.empty());
  EXPECT_EQ(c.fan->members[2].fan->members[0].tasks[0].args, value::list{7});
}

TEST(CanvasShape, OptionsOfAChainStandWhereTheyCount) {
  auto s = chain(tasks("t", 3));
  s.options = {{"link", task("after").to_value()},
               {"link_error", value::list{task("sorry").to_value()}},
               {"queue", "slow"},
               {"task_id", "end"}};
  auto const c = canvas_of(s).value();
  EXPECT_EQ(*c.tasks[0].option("queue"), value{"slow"});
  EXPECT_EQ(c.tasks[1].option("queue"), nullptr);
  EXPECT_EQ(*c.tasks[2].option("link"), (value::list{task("after").to_value()}));
  EXPECT_EQ(c.tasks[1].option("link"), nullptr);
  for (auto const& t : c.tasks) EXPECT_EQ(*t.option("link_error"), (value::list{task("sorry").to_value()}));
  EXPECT_EQ(*c.tasks[2].option("task_id"), value{"end"});
}

TEST(CanvasShape, LinksOfAChordAreThoseOfItsBody) {
  auto s = chord(tasks("m", 1), task("z"));
  s.options = {{"link", task("after").to_value()}, {"link_error", task("sorry").to_value()}, {"task_id", "end"}};
  auto const c = canvas_of(s).value();
  auto const& body = c.fan->body.tasks[0];
  EXPECT_EQ(*body.option("link"), (value::list{task("after").to_value()}));
  EXPECT_EQ(*body.option("link_error"), (value::list{task("sorry").to_value()}));
  EXPECT_EQ(*body.option("task_id"), value{"end"});
  EXPECT_TRUE(c.fan->members[0].tasks[0].options.empty());
}

TEST(CanvasShape, WhatIsBrokenIsNamed) {
  auto s = chain({task("a")});
  s.kwargs[0].val = value::list{value::map{{"task", "a"}}};
  EXPECT_EQ(canvas_of(s).error().code, errc::decode);
  EXPECT_EQ(canvas_of(value{7}).error().code, errc::decode);
}

struct planned {
  canvas_list list;
  wire::result_tuple handle;
};

planned plan_of(signature s, std::size_t limit = 1'000'000) {
  planned out;
  auto c = canvas_of(std::move(s)).value();
  freeze(c, "");
  choose_references(c, limit);
  out.handle = handle_of(c);
  EXPECT_TRUE(plan(std::move(c), out.list));
  return out;
}

std::string id_of(signature const& s) { return *s.option("task_id")->get_if<std::string>(); }

TEST(CanvasPlan, OfAChainIsItsFirstTaskWithTheRestReversed) {
  auto const p = plan_of(chain(tasks("t", 3)));
  ASSERT_EQ(p.list.calls_.size(), 1U);
  auto const& rest = *p.list.calls_[0].option("chain")->get_if<value::list>();
  ASSERT_EQ(rest.size(), 2U);
  auto const last = signature::from_value(rest[0]).value();
  EXPECT_EQ(last.task, "t2");
  EXPECT_EQ(p.handle.id, id_of(last));
  EXPECT_EQ(p.handle.parent.at(0).parent.at(0).id, id_of(p.list.calls_[0]));
}

TEST(CanvasPlan, OfAChordIsItsHeaderWhoseLastTasksCarryTheBody) {
  auto const p = plan_of(chord({task("a"), chain({task("b"), task("c")})}, task("z")));
  ASSERT_EQ(p.list.chords_.size(), 1U);
  EXPECT_EQ(p.list.chords_[0].size, 2);
  EXPECT_TRUE(p.list.chords_[0].body.is_null());
  ASSERT_EQ(p.list.calls_.size(), 2U);
  auto const& a = p.list.calls_[0];
  EXPECT_EQ(*a.option("group_id"), value{p.list.chords_[0].group});
  EXPECT_EQ(*a.option("group_index"), value{0});
  EXPECT_EQ(signature::from_value(*a.option("chord"))->task, "z");
  auto const& b = p.list.calls_[1];
  EXPECT_EQ(b.option("chord"), nullptr);
  auto const c = signature::from_value(b.option("chain")->get_if<value::list>()->at(0)).value();
  EXPECT_EQ(*c.option("group_index"), value{1});
  EXPECT_EQ(signature::from_value(*c.option("chord"))->task, "z");
  EXPECT_EQ(p.handle.parent.at(0).id, p.list.chords_[0].group);
  EXPECT_EQ(p.handle.parent[0].children->at(1).id, id_of(c));
}

TEST(CanvasPlan, OfAChordInsideAHeaderHangsTheOuterBodyOnTheInnerOne) {
  auto const p = plan_of(chord({chord({task("a")}, task("in"))}, task("out")));
  ASSERT_EQ(p.list.chords_.size(), 2U);
  ASSERT_EQ(p.list.calls_.size(), 1U);
  auto const inner = signature::from_value(*p.list.calls_[0].option("chord")).value();
  EXPECT_EQ(inner.task, "in");
  EXPECT_EQ(*inner.option("group_id"), value{p.list.chords_[0].group});
  EXPECT_EQ(signature::from_value(*inner.option("chord"))->task, "out");
}

TEST(CanvasPlan, OfAChordWithoutMembersIsItsBody) {
  auto const p = plan_of(chord({}, task("z")));
  EXPECT_TRUE(p.list.chords_.empty());
  ASSERT_EQ(p.list.calls_.size(), 1U);
  EXPECT_EQ(p.list.calls_[0].args, (value::list{value::list{}}));
}

TEST(CanvasPlan, OfWhatAnEarlierOneFrozeKeepsTheIds) {
  auto const p = plan_of(chain({task("t"), group(tasks("m", 2)), task("z")}));
  auto rest = *p.list.calls_[0].option("chain")->get_if<value::list>();
  auto c = canvas_of_chain(rest).value();
  freeze(c, "");
  auto const handle = handle_of(c);
  EXPECT_EQ(handle.id, p.handle.id);
  EXPECT_EQ(handle.parent.at(0).id, p.handle.parent.at(0).id);
  EXPECT_EQ(handle.parent[0].children, p.handle.parent[0].children);
}

std::size_t octets_of(canvas_list const& list) {
  std::size_t out = 0;
  for (auto const& c : list.calls_) out += wire::to_json(c.to_value())->size();
  for (auto const* chords : {&list.chords_, &list.ahead_})
    for (auto const& c : *chords) out += wire::to_json(c.body)->size();
  return out;
}

/// Workers that go on with what was planned, one step after another.
struct walk {
  canvas_list at;
  std::size_t octets = 0;
  int chords = 0;
  std::vector<backend::chord_start> kept = {};

  // What comes when the tasks that were sent have ended; nothing at the end.
  canvas_tree next() {
    octets += octets_of(at);
    kept.insert(kept.end(), at.ahead_.begin(), at.ahead_.end());
    auto const& first = at.calls_.front();
    if (at.chords_.empty()) {
      auto const* chain = first.option("chain");
      return chain ? canvas_of_chain(*chain->get_if<value::list>()).value() : canvas_tree{};
    }
    ++chords;
    auto body = at.chords_.front().body.is_null() ? *first.option("chord") : at.chords_.front().body;
    for (auto const& k : kept)
      if (k.group == at.chords_.front().group) body = k.body;
    return canvas_of(body).value();
  }
  void to_the_end() {
    for (auto c = next(); !c.empty(); c = next()) {
      feed(c, {1});
      freeze(c, "");
      choose_references(c, 262'144);
      at = {};
      ASSERT_TRUE(plan(std::move(c), at));
    }
  }
};

TEST(CanvasPlan, AChainOfFiftyChordsOfTenStaysBelowAMegabyte) {
  std::vector<signature> steps;
  for (int i = 0; i < 50; ++i) steps.push_back(chord(tasks("t.noop", 10), task("t.noop")));
  walk all{plan_of(chain(std::move(steps)), 262'144).list};
  all.to_the_end();
  EXPECT_EQ(all.chords, 50);
  EXPECT_LT(all.octets, 1'000'000U);
}

TEST(CanvasPlan, AFewSmallChordsAreCarriedAsCeleryDoes) {
  std::vector<signature> steps;
  for (int i = 0; i < 3; ++i) steps.push_back(chord(tasks("t.noop", 3), task("t.noop")));
  auto const p = plan_of(chain(std::move(steps)), 262'144);
  EXPECT_TRUE(p.list.ahead_.empty());
  ASSERT_EQ(p.list.chords_.size(), 1U);
  EXPECT_TRUE(p.list.chords_[0].body.is_null());
}

TEST(CanvasPlan, ABodyKeptAheadKnowsTheChordItIsAMemberOf) {
  auto big = task("in");
  big.args = {std::string(2'000, 'x')};
  auto const p = plan_of(chain({task("t"), chord({chord({task("a"), task("b")}, big)}, task("out"))}), 100);
  ASSERT_EQ(p.list.ahead_.size(), 1U);
  auto const kept = signature::from_value(p.list.ahead_[0].body).value();
  EXPECT_EQ(kept.task, "in");
  ASSERT_NE(kept.option("chord"), nullptr);
  EXPECT_EQ(signature::from_value(*kept.option("chord"))->task, "out");
  EXPECT_EQ(*kept.option("group_index"), value{0});
}

}  // namespace
}  // namespace lovage::canvas_tests
