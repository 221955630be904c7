#include "core/log.hpp"
#include "execute/conclude.hpp"
#include "execute/intake.hpp"
#include "execute/workflow.hpp"
#include "sample_task.hpp"
#include "wire/signature.hpp"

#include <gtest/gtest.h>

#include <set>

namespace lovage::execute {
namespace {

using namespace std::chrono_literals;
using testing::noon;
using wire::signature;

signature sig(std::string task, value::map options = {}) {
  signature s;
  s.task = std::move(task);
  s.options = std::move(options);
  return s;
}

class Chords : public ::testing::Test, protected testing::worker_rules {
 protected:
  Chords() {
    message.task = "t.add";
    message.id = task_id{"m1"};
    message.root_id = "root";
    message.args = {2, 3};
    message.group = "g";
    message.group_index = 1;
    message.embed.chord = sig("t.total", {{"task_id", "body"}}).to_value();
  }
  std::optional<request> taken() {
    broker::delivery d{7, queue_name{"celery"}, *wire::encode_task(message, {}), 4, 0, false};
    return take_in(std::move(d), with, noon, out);
  }
  void end(lovage_outcome how, value const& data) { conclude(*taken(), {how, pack(data)}, with, noon, 1ms, out); }
  static value failure() { return value::map{{"type", "std::invalid_argument"}, {"message", "no"}}; }
  wire::task_message sent(std::size_t i, std::size_t sequel = 0) const {
    return *wire::decode_task(out.sequels.at(sequel).messages.at(i).envelope, with.accept);
  }
  backend::chord_end complete(std::vector<backend::chord_part> parts) const {
    return {"g", std::move(parts), message.embed.chord, 0};
  }
  static backend::chord_part part(int i, value result, char const* status = wire::state::success) {
    return {"g", i, task_id{"p" + std::to_string(i)}, status, std::move(result)};
  }
  static value raised() { return wire::exception_info{"ValueError", {"no"}, "builtins"}.to_value(); }

  wire::task_message message;
};

TEST_F(Chords, AMemberThatSucceedsIsAPart) {
  end(LOVAGE_SUCCESS, 5);
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part, (backend::chord_part{"g", 1, task_id{"m1"}, "SUCCESS", 5}));
  EXPECT_EQ(out.parts[0].body, message.embed.chord);
  EXPECT_EQ(out.parts[0].root_id, "root");
  EXPECT_EQ(out.records.size(), 1U);
  EXPECT_EQ(out.closings.size(), 1U);
}

TEST_F(Chords, AMemberWithLinksIsAPartOnceTheseAreSent) {
  message.embed.callbacks = {sig("t.link").to_value()};
  end(LOVAGE_SUCCESS, 5);
  EXPECT_TRUE(out.parts.empty());
  ASSERT_EQ(out.sequels.size(), 1U);
  EXPECT_EQ(out.sequels[0].parts.size(), 1U);
}

TEST_F(Chords, AMemberThatFailsIsRevokedOrIgnoredIsAPartToo) {
  end(LOVAGE_FAILURE, failure());
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part.status, "FAILURE");
  EXPECT_EQ(wire::exception_info::from_value(out.parts[0].part.result)->type, "ValueError");
  out.clear();
  revoke_request(*taken(), with, "revoked", noon, out);
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part.status, "REVOKED");
  out.clear();
  end(LOVAGE_IGNORED, {});
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part.status, "FAILURE");
  EXPECT_TRUE(out.records.empty());
}

TEST_F(Chords, AMemberThatIsTriedAgainIsNoPartYet) {
  end(LOVAGE_RETRY, value::map{});
  EXPECT_TRUE(out.parts.empty());
  ASSERT_EQ(out.sequels.size(), 1U);
  EXPECT_TRUE(out.sequels[0].parts.empty());
  EXPECT_EQ(sent(0).embed.chord, message.embed.chord);
  EXPECT_EQ(sent(0).group_index, 1);
}

TEST_F(Chords, AMemberThatRunsAgainAddsTheSameTasks) {
  auto const added_by_one_run = [this] {
    out.clear();
    auto r = *taken();
    auto const both = wire::make_group({sig("t.a"), sig("t.b")}).to_value();
    r.added = {sig("t.add").to_value(), sig("t.add", {{"task_id", "mine"}}).to_value(), both};
    conclude(r, {LOVAGE_SUCCESS, pack(value{5})}, with, noon, 1ms, out);
    std::vector<std::string> ids;
    for (auto const& m : out.sequels.at(0).messages)
      ids.push_back(wire::decode_task(m.envelope, with.accept)->id.str());
    ids.push_back(out.sequels[0].chords.now.at(0).group);
    for (auto const& id : out.sequels[0].grown.at(0).added) ids.push_back(id.str());
    return ids;
  };
  auto const first = added_by_one_run();
  ASSERT_EQ(first.size(), 4U + 1 + 3);
  EXPECT_EQ(first[1], "mine");
  EXPECT_EQ(std::set(first.begin(), first.end()).size(), 6U) << "two of them are added as they were sent";
  EXPECT_EQ(added_by_one_run(), first);
  message.retries = 1;
  EXPECT_EQ(added_by_one_run(), first);
  message.id = task_id{"m2"};
  EXPECT_NE(added_by_one_run()[0], first[0]);
}

TEST_F(Chords, AGroupHeaderAloneMakesNoPart) {
  message.embed.chord = {};
  end(LOVAGE_SUCCESS, 5);
  EXPECT_TRUE(out.parts.empty());
}

TEST_F(Chords, AChainThatFailsIsThePartOfItsLastStep) {
  auto const last =
      sig("t.last", {{"task_id", "last"}, {"group_id", "g"}, {"group_index", 1}, {"chord", message.embed.chord}});
  message.embed.chord = {};
  message.group.reset();
  message.embed.chain = value::list{last.to_value(), sig("t.next", {{"task_id", "next"}}).to_value()};
  end(LOVAGE_FAILURE, failure());
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part.id, task_id{"last"});
  EXPECT_EQ(out.parts[0].part.group, "g");
  EXPECT_EQ(out.parts[0].part.index, 1);
  EXPECT_EQ(out.parts[0].part.status, "FAILURE");
  EXPECT_EQ(out.records.size(), 3U);
  out.clear();
  revoke_request(*taken(), with, "revoked", noon, out);
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part.id, task_id{"last"});
  EXPECT_EQ(out.parts[0].part.status, "REVOKED");
  out.clear();
  end(LOVAGE_IGNORED, {});
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part.id, task_id{"last"});
  EXPECT_EQ(out.parts[0].part.status, "FAILURE");
  EXPECT_TRUE(out.records.empty()) << "nothing is stored of a task that is ignored, nor of what comes after it";
}

TEST_F(Chords, TheBodyIsCalledWithTheListOfResultsBehindWhoeverCameLast) {
  ended_part const by{part(1, 7), {}, "root", 3};
  conclude_chord(complete({part(0, 5), part(1, 7)}), &by, with, noon, out);
  ASSERT_EQ(out.sequels.size(), 1U);
  auto const m = sent(0);
  EXPECT_EQ(m.task, "t.total");
  EXPECT_EQ(m.id, task_id{"body"});
  EXPECT_EQ(m.args, (value::list{value::list{5, 7}}));
  EXPECT_EQ(m.parent_id, "p1");
  EXPECT_EQ(m.root_id, "root");
  EXPECT_EQ(out.sequels[0].messages[0].priority, 3);
  EXPECT_EQ(out.sequels[0].ended, std::vector<std::string>{"g"});
  EXPECT_EQ(out.sequels[0].waiting, std::vector{task_id{"body"}});
}

TEST_F(Chords, APartThatFailedFailsTheBodyAndTellsItsErrbacks) {
  auto body = sig("t.total", {{"task_id", "body"}, {"link_error", value::list{sig("t.sorry").to_value()}}});
  message.embed.chord = wire::make_chain({body, sig("t.after", {{"task_id", "after"}})}).to_value();
  conclude_chord(complete({part(0, 5), part(1, raised(), "FAILURE"), part(2, raised(), "REVOKED")}), nullptr, with,
                 noon, out);
  ASSERT_EQ(out.records.size(), 2U);
  EXPECT_EQ(out.records[0].id, task_id{"body"});
  EXPECT_EQ(out.records[1].id, task_id{"after"});
  for (auto const& r : out.records) {
    EXPECT_EQ(r.status, "FAILURE");
    auto const why = wire::exception_info::from_value(r.result);
    EXPECT_EQ(why->type, "ChordError");
    EXPECT_EQ(why->module, "celery.exceptions");
    EXPECT_EQ(why->text(), "Dependency p1 raised ValueError('no')");
  }
  ASSERT_EQ(out.sequels.size(), 1U);
  EXPECT_TRUE(out.sequels[0].after_records);
  EXPECT_EQ(out.sequels[0].ended, std::vector<std::string>{"g"});
  EXPECT_EQ(sent(0).task, "t.sorry");
  EXPECT_EQ(sent(0).args, value::list{"body"});
  EXPECT_EQ(sent(0).parent_id, "body");
  EXPECT_EQ(sent(0).root_id, "body");
}

TEST_F(Chords, ABodyThatFailsIsThePartOfTheChordItIsAMemberOf) {
  auto const outer = sig("t.outer", {{"task_id", "o"}}).to_value();
  message.embed.chord =
      sig("t.total", {{"task_id", "body"}, {"group_id", "g2"}, {"group_index", 4}, {"chord", outer}}).to_value();
  conclude_chord(complete({part(0, raised(), "FAILURE")}), nullptr, with, noon, out);
  ASSERT_EQ(out.parts.size(), 1U);
  EXPECT_EQ(out.parts[0].part.group, "g2");
  EXPECT_EQ(out.parts[0].part.id, task_id{"body"});
  EXPECT_EQ(out.parts[0].part.index, 4);
  EXPECT_EQ(out.parts[0].body, outer);
  EXPECT_EQ(out.ended, std::vector<std::string>{"g"});
}

TEST_F(Chords, ABodyWhoseFormIsBrokenEndsItsChord) {
  conclude_chord({"g", {part(0, 1)}, value::map{{"task", "t.total"}}, 0}, nullptr, with, noon, out);
  EXPECT_EQ(out.ended, std::vector<std::string>{"g"});
  EXPECT_TRUE(out.sequels.empty());
}

TEST_F(Chords, TheNextStepThatIsAChordIsAnnouncedBeforeItsHeaderIsSent) {
  message.embed.chord = {};
  message.group.reset();
  auto const chord = wire::make_chord({sig("t.a"), sig("t.b")}, sig("t.total"));
  message.embed.chain = value::list{chord.to_value()};
  end(LOVAGE_SUCCESS, 5);
  ASSERT_EQ(out.sequels.size(), 1U);
  ASSERT_EQ(out.sequels[0].chords.now.size(), 1U);
  auto const& start = out.sequels[0].chords.now[0];
  EXPECT_EQ(start.size, 2);
  EXPECT_TRUE(start.body.is_null());
  ASSERT_EQ(out.sequels[0].messages.size(), 2U);
  for (int i = 0; i < 2; ++i) {
    auto const m = sent(static_cast<std::size_t>(i));
    EXPECT_EQ(m.args, value::list{5});
    EXPECT_EQ(m.group, start.group);
    EXPECT_EQ(m.group_index, i);
    EXPECT_EQ(m.embed.chord.find("task")->get_if<std::string>()[0], "t.total");
    EXPECT_EQ(m.parent_id, "m1");
    EXPECT_EQ(m.root_id, "root");
  }
  auto const& children = *out.sequels[0].records.at(0).children.get_if<value::list>();
  EXPECT_EQ(wire::result_tuple::from_value(children.at(0))->id, start.group);
}

TEST_F(Chords, WhatStandsForAKeptBodyIsNotRunButLookedUp) {
  message = {};
  message.task = "lovage.chord_body";
  message.id = task_id{"body"};
  message.parent_id = "p1";
  message.root_id = "root";
  message.args = {value::list{5, 7}};
  message.kwargs = {{"group", "g"}};
  EXPECT_FALSE(taken());
  ASSERT_EQ(out.bodies.size(), 1U);
  EXPECT_EQ(out.bodies[0].end.group, "g");
  ASSERT_EQ(out.bodies[0].end.parts.size(), 2U);
  EXPECT_EQ(out.bodies[0].end.parts[1].result, value{7});
  EXPECT_EQ(out.bodies[0].by.part.id, task_id{"p1"});
  EXPECT_EQ(out.bodies[0].delivery.job, 7U);
}

}  // namespace
}  // namespace lovage::execute
