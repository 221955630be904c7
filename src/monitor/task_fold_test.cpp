#include "monitor/task_fold.hpp"

#include "monitor/failure_text.hpp"
#include "monitor/search_text.hpp"
#include "monitor/test_events.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace lovage::monitor {
namespace {

using namespace for_tests;

task_record folded(std::vector<wire::event> const& events) {
  task_record t;
  t.id = "a";
  for (auto const& e : events) fold(t, e, at(noon + 1'000));
  return t;
}

TEST(TaskFold, PutsATasksEventsTogether) {
  auto const t = folded({received("a", noon), started("a", noon + 1), succeeded("a", noon + 3, 1.5)});
  EXPECT_EQ(t.state, state::success);
  EXPECT_EQ(t.name, "shop.add");
  EXPECT_EQ(t.args, "(2, 3)");
  EXPECT_EQ(t.result, "5");
  EXPECT_EQ(t.runtime, 1.5);
  EXPECT_EQ(t.worker, "w1@host");
  EXPECT_EQ(t.received, at(noon));
  EXPECT_EQ(t.ended(), at(noon + 3));
  EXPECT_EQ(t.waited(), 1.0);
}

TEST(TaskFold, KeepsGroupChordAndStampsOfWhoeverTellsThem) {
  value::map const place{{"group_id", "g"}, {"chord", "z"}, {"stamps", value::map{{"tenant", "acme"}}}};
  auto const t = folded({task_event("sent", "a", noon, place, "gen1@host"), received("a", noon + 1)});
  EXPECT_EQ(t.group, "g");
  EXPECT_EQ(t.chord, "z");
  EXPECT_EQ(t.stamps, R"({"tenant": "acme"})");
  EXPECT_EQ(folded({task_event("received", "a", noon, {{"stamps", "no map"}})}).stamps, "");
  value::map const large{{"stamps", value::map{{"x", std::string(5'000, 'x')}}}};
  EXPECT_EQ(folded({task_event("received", "a", noon, large)}).stamps, "");
}

TEST(TaskFold, GivesTheSameInAnyOrder) {
  std::vector<wire::event> events{
      task_event("sent", "a", noon - 1, {{"name", "shop.add"}, {"queue", "high"}}, "gen1@host"), received("a", noon),
      started("a", noon + 1), succeeded("a", noon + 2)};
  std::sort(events.begin(), events.end(), [](auto const& a, auto const& b) { return a.type < b.type; });
  do {
    auto const t = folded(events);
    EXPECT_EQ(t.state, state::success) << events[0].type << events[1].type << events[2].type;
    EXPECT_EQ(t.queue, "high");
    EXPECT_EQ(t.client, "gen1@host");
    EXPECT_EQ(t.worker, "w1@host");
    EXPECT_EQ(t.started, at(noon + 1));
  } while (std::next_permutation(events.begin(), events.end(),
                                 [](auto const& a, auto const& b) { return a.type < b.type; }));
}

TEST(TaskFold, TellsThatAnEventHasBeenHereBefore) {
  task_record t;
  EXPECT_TRUE(fold(t, received("a", noon), at(noon)));
  EXPECT_FALSE(fold(t, received("a", noon), at(noon + 1)));
  EXPECT_TRUE(fold(t, started("a", noon + 1), at(noon + 1)));
  EXPECT_FALSE(fold(t, received("a", noon), at(noon + 2)));
  EXPECT_EQ(t.state, state::started);
}

TEST(TaskFold, FollowsRetriesByTime) {
  auto const retry = task_event("retried", "a", noon + 2, {{"exception", "ValueError('no')"}});
  EXPECT_EQ(folded({received("a", noon), started("a", noon + 1), retry}).state, state::retry);
  EXPECT_EQ(folded({received("a", noon), retry, started("a", noon + 1)}).state, state::retry);
  EXPECT_EQ(folded({received("a", noon), retry, received("a", noon + 3)}).state, state::received);
  EXPECT_EQ(folded({received("a", noon), retry, succeeded("a", noon + 5), started("a", noon + 4)}).state,
            state::success);
}

TEST(TaskFold, ATaskThatWasDeadRunsAgain) {
  auto const failure = failed("a", noon + 2, "ValueError('no')");
  EXPECT_EQ(folded({received("a", noon), failure, started("a", noon + 1)}).state, state::failure);
  auto const again = folded({received("a", noon), failure, received("a", noon + 60)});
  EXPECT_EQ(again.state, state::received);
  EXPECT_EQ(again.error_group, "");
  EXPECT_EQ(folded({received("a", noon), succeeded("a", noon + 2), started("a", noon + 60)}).state, state::success);
}

TEST(TaskFold, DoesNotBelieveAClockThatRunsAhead) {
  task_record t;
  fold(t, received("a", noon + 1e6), at(noon));
  EXPECT_EQ(t.first, at(noon));
  EXPECT_EQ(t.received, at(noon));
}

TEST(TaskFold, CutsTextsAtTheirLimit) {
  auto const t = folded({received("a", noon, "shop.add", std::string(70'000, 'x') + "\xc3\xa4")});
  EXPECT_EQ(t.args.size(), task_record::text_limit);
}

TEST(TaskFold, AnOwnEventIsAStateOfItsOwn) {
  auto const own = task_event("my-progress", "a", noon + 2, {{"percent", 50}});
  EXPECT_EQ(folded({received("a", noon), started("a", noon + 1), own}).state, "MY-PROGRESS");
  EXPECT_EQ(step_of(own, at(noon + 3)).text, "percent=50");
}

TEST(FailureText, TakesOutWhatDiffersFromOneFailureToTheNext) {
  EXPECT_EQ(alike_text("user 17 not found in 2.5 s"), "user <n> not found in <n> s");
  EXPECT_EQ(alike_text("no file '/tmp/x y' (errno 2)"), "no file <text> (errno <n>)");
  EXPECT_EQ(alike_text("task 6f1c2d3e-0000-4000-8000-123456789abc\n at 0x7ffe01a"), "task <id> at <hex>");
  EXPECT_EQ(alike_text("don't do it, that's bad"), "don't do it, that's bad");
}

TEST(FailureText, ReadsWhatPythonAndLovageWrite) {
  EXPECT_EQ(parts_of_exception("ValueError('no url')").type, "ValueError");
  EXPECT_EQ(parts_of_exception("ValueError('no url')").message, "no url");
  EXPECT_EQ(parts_of_exception("KeyError(1, 'x')").message, "1, 'x'");
  EXPECT_EQ(parts_of_exception("").type, "");
}

TEST(FailureText, AlikeFailuresShareAGroup) {
  auto const group = [](char const* exception) {
    auto e = failed("a", noon, exception);
    return folded({received("a", noon - 1), e}).error_group;
  };
  EXPECT_EQ(group("KeyError('user 17')"), group("KeyError('user 18')"));
  EXPECT_NE(group("KeyError('user 17')"), group("ValueError('user 17')"));
  EXPECT_EQ(group("KeyError('user 17')").size(), 16U);
}

TEST(SearchText, WordsPhrasesAndBeginnings) {
  EXPECT_EQ(search_expression("time out").value(), "\"time\" AND \"out\"");
  EXPECT_EQ(search_expression("\"time out\" conn*").value(), "\"time out\" AND \"conn\" *");
  EXPECT_EQ(search_expression("a OR b").value(), "\"a\" AND \"OR\" AND \"b\"");
  EXPECT_EQ(search_expression(" () \" ").value(), "");
  EXPECT_EQ(search_expression(std::string(1'001, 'x')).error().code, errc::invalid_argument);
}

}  // namespace
}  // namespace lovage::monitor
