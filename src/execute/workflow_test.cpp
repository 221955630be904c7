#include "execute/workflow.hpp"

#include "core/log.hpp"
#include "execute/conclude.hpp"
#include "execute/intake.hpp"
#include "execute/plain_chain.hpp"
#include "sample_task.hpp"
#include "wire/signature.hpp"

#include <gtest/gtest.h>

namespace lovage::execute {
namespace {

using namespace std::chrono_literals;
using broker::disposition;
using testing::add;
using testing::noon;
using wire::signature;

value call(std::string task, value::list args = {}, value::map options = {}) {
  signature s;
  s.task = std::move(task);
  s.args = std::move(args);
  s.options = std::move(options);
  return s.to_value();
}

class Workflow : public ::testing::Test, protected testing::worker_rules {
 protected:
  Workflow() {
    with.publishing.origin = "gen1@test";
    message.task = "t.add";
    message.id = task_id{"id-1"};
    message.root_id = "root-1";
    message.args = {2, 3};
  }
  std::optional<request> taken() {
    broker::delivery d{7, queue_name{"celery"}, *wire::encode_task(message, {}), 4, 0, false};
    return take_in(std::move(d), with, noon, out);
  }
  void succeed(value const& result = 5) { conclude(*taken(), {LOVAGE_SUCCESS, pack(result)}, with, noon, 1ms, out); }
  void fail_it() {
    value::map const why{{"type", "std::invalid_argument"}, {"message", "no"}};
    conclude(*taken(), {LOVAGE_FAILURE, pack(value{why})}, with, noon, 1ms, out);
  }
  wire::task_message sent(std::size_t i) const {
    return *wire::decode_task(out.sequels.at(0).messages.at(i).envelope, with.accept);
  }
  wire::result_record const& stored() const { return out.sequels.at(0).records.at(0); }

  wire::task_message message;
};

TEST_F(Workflow, ALinkIsSentWithTheResultInFrontBeforeTheResultIsStored) {
  message.embed.callbacks = {call("t.add", {10})};
  succeed();
  ASSERT_EQ(out.sequels.size(), 1U);
  EXPECT_TRUE(out.records.empty());
  EXPECT_TRUE(out.closings.empty());
  auto const m = sent(0);
  EXPECT_EQ(m.args, (value::list{5, 10}));
  EXPECT_EQ(m.argsrepr, "(5, 10)");
  EXPECT_EQ(m.parent_id, "id-1");
  EXPECT_EQ(m.root_id, "root-1");
  EXPECT_EQ(m.origin, "gen1@test");
  EXPECT_FALSE(m.group);
  EXPECT_EQ(out.sequels[0].messages[0].queue, queue_name{"celery"});
  EXPECT_EQ(stored().status, "SUCCESS");
  EXPECT_EQ(stored().children, (value::list{value::list{value::list{m.id.str(), nullptr}, nullptr}}));
  EXPECT_EQ(out.sequels[0].closings.at(0).how, disposition::done);
  EXPECT_TRUE(out.sequels[0].closings[0].over);
}

TEST_F(Workflow, SeveralLinksShareAGroupAndAreOneChild) {
  signature quiet;
  quiet.task = "t.noop";
  quiet.immutable = true;
  message.embed.callbacks = {call("t.mul", {10}), quiet.to_value()};
  succeed();
  auto const first = sent(0), second = sent(1);
  ASSERT_TRUE(first.group);
  EXPECT_EQ(first.group, second.group);
  EXPECT_EQ(second.group_index, 1);
  EXPECT_EQ(first.args, (value::list{5, 10}));
  EXPECT_TRUE(second.args.empty());
  value::list const members{value::list{value::list{first.id.str(), nullptr}, nullptr},
                            value::list{value::list{second.id.str(), nullptr}, nullptr}};
  EXPECT_EQ(stored().children, (value::list{value::list{value::list{*first.group, nullptr}, members}}));
}

TEST_F(Workflow, TheOptionsOfALinkAreHonoured) {
  value::map const options{{"task_id", "own"},
                           {"queue", "other"},
                           {"countdown", 5},
                           {"expires", 60},
                           {"priority", 2},
                           {"serializer", "msgpack"},
                           {"headers", value::map{{"tenant", "a"}}},
                           {"link", call("t.after")},
                           {"link_error", value::list{call("t.sorry")}},
                           {"chord", call("t.total")},
                           {"group_id", "g"},
                           {"group_index", 3},
                           {"reply_to", "me"},
                           {"time_limit", 2.5},
                           {"shadow", "nice"},
                           {"argsrepr", "(secret)"},
                           {"ignore_result", true},
                           {"retry", true},
                           {"stamped_headers", value::list{"run"}},
                           {"run", "r7"}};
  message.embed.callbacks = {call("t.add", {10}, options)};
  succeed();
  auto const& out_message = out.sequels.at(0).messages.at(0);
  EXPECT_EQ(out_message.queue, queue_name{"other"});
  EXPECT_EQ(out_message.due, noon + 5s);
  EXPECT_EQ(out_message.priority, 2);
  EXPECT_EQ(out_message.envelope.content_type, "application/x-msgpack");
  auto const m = *wire::decode_task(out_message.envelope, {{"msgpack"}});
  EXPECT_EQ(m.id, task_id{"own"});
  EXPECT_EQ(m.expires->to_time_point(), noon + 60s);
  EXPECT_EQ(*find(m.extra_headers, "tenant"), value{"a"});
  EXPECT_EQ(m.embed.callbacks, (value::list{call("t.after")}));
  EXPECT_EQ(m.embed.errbacks, (value::list{call("t.sorry")}));
  EXPECT_EQ(m.embed.chord, call("t.total"));
  EXPECT_EQ(m.group, "g");
  EXPECT_EQ(m.group_index, 3);
  EXPECT_EQ(m.properties.reply_to, "me");
  EXPECT_EQ(m.properties.correlation_id, "own");
  EXPECT_EQ(m.hard_limit_s, 2.5);
  EXPECT_EQ(m.shadow, "nice");
  EXPECT_EQ(m.argsrepr, "(secret)");
  EXPECT_TRUE(m.ignore_result);
  EXPECT_EQ(m.stamped_headers, (value::list{"run"}));
  EXPECT_EQ(m.stamps, (value::map{{"run", value::list{"r7"}}}));
}

TEST_F(Workflow, AnExchangeWithItsKeyIsTheAddressWhereTheBrokerHasExchanges) {
  message.embed.callbacks = {call("t.add", {10}, {{"exchange", "news"}, {"routing_key", "news.de"}})};
  with.exchanges = true;
  succeed();
  EXPECT_TRUE(out.sequels.at(0).messages.at(0).queue.empty());
  EXPECT_EQ(out.sequels[0].messages[0].exchange, "news");
  EXPECT_EQ(out.sequels[0].messages[0].routing_key, "news.de");
  out.clear();
  with.exchanges = false;
  EXPECT_FALSE(taken());
  EXPECT_EQ(out.closings.at(0).how, disposition::bury);
}

TEST_F(Workflow, TheNextStepOfAChainTakesTheRestWithIt) {
  value::list const rest{call("t.last", {}, {{"task_id", "s3"}}), call("t.next", {3}, {{"task_id", "s2"}})};
  message.embed.chain = rest;
  message.embed.callbacks = {call("t.link")};
  succeed();
  auto const step = sent(1);
  EXPECT_EQ(sent(0).task, "t.link");
  EXPECT_EQ(step.id, task_id{"s2"});
  EXPECT_EQ(step.args, (value::list{5, 3}));
  EXPECT_EQ(step.embed.chain, (value::list{rest[0]}));
  EXPECT_EQ(step.parent_id, "id-1");
  EXPECT_EQ(step.root_id, "root-1");
  EXPECT_EQ(stored().children.get_if<value::list>()->size(), 2U);
  EXPECT_EQ(out.sequels[0].waiting, (std::vector{task_id{"s2"}, task_id{"s3"}}));
}

TEST_F(Workflow, AfterTheLastStepTheChainIsEmptyNotAbsent) {
  message.embed.chain = value::list{call("t.last")};
  succeed();
  EXPECT_EQ(sent(0).embed.chain, value::list{});
}

// The short way for chains of nothing but tasks, beside the way by a tree of containers.
TEST_F(Workflow, AChainOfPlainTasksGoesTheSameWayAsAnyOther) {
  auto const step = [](char const* id, value::map more) {
    more.push_back({"task_id", id});
    more.push_back({"reply_to", "me"});
    return call("t.mul", {10}, std::move(more));
  };
  value::list const plain{step("s3", {}), step("s2", {{"queue", "slow"}})};
  value::list const other{step("s3", {}), step("s2", {{"queue", "slow"}, {"countdown", 0}})};
  ASSERT_TRUE(is_plain_chain(plain, with));
  ASSERT_FALSE(is_plain_chain(other, with));
  message.embed.chain = plain;
  succeed();
  auto const a = sent(0);
  auto const record = stored();
  auto const waiting = out.sequels.at(0).waiting;
  out = {};
  message.embed.chain = other;
  succeed();
  auto const b = sent(0);
  EXPECT_EQ(a.id, task_id{"s2"});
  EXPECT_EQ(a.args, b.args);
  EXPECT_EQ(a.embed, b.embed);
  EXPECT_EQ(a.parent_id, b.parent_id);
  EXPECT_EQ(a.root_id, b.root_id);
  EXPECT_EQ(a.properties.reply_to, b.properties.reply_to);
  EXPECT_EQ(record.children, stored().children);
  EXPECT_EQ(waiting, out.sequels.at(0).waiting);
}

TEST_F(Workflow, AChainWithAnythingButTasksIsNotPlain) {
  value::map const id{{"task_id", "s"}};
  EXPECT_TRUE(is_plain_chain({call("t.mul", {}, id)}, with));
  EXPECT_FALSE(is_plain_chain({call("t.mul")}, with)) << "without an id nobody could wait for it";
  EXPECT_FALSE(is_plain_chain({call("celery.group", {}, id)}, with));
  EXPECT_FALSE(is_plain_chain({call("t.mul", {}, {{"task_id", "s"}, {"exchange", "x"}})}, with));
  EXPECT_FALSE(is_plain_chain({value{"broken"}}, with));
}

TEST_F(Workflow, AnEmptyChainSendsNothing) {
  message.embed.chain = value::list{};
  succeed();
  EXPECT_TRUE(out.sequels.empty());
  EXPECT_EQ(out.records.at(0).children, value::list{});
}

TEST_F(Workflow, AChainAsALinkStartsWithItsFirstStep) {
  std::vector<signature> steps(3);
  for (int i = 0; i < 3; ++i) steps[static_cast<std::size_t>(i)].task = "t.step" + std::to_string(i);
  steps[0].args = {1};
  auto chain = wire::make_chain(steps);
  chain.set_option("link", call("t.end"));
  chain.set_option("link_error", call("t.sorry"));
  chain.set_option("queue", "slow");
  message.embed.callbacks = {chain.to_value()};
  succeed();
  auto const first = sent(0);
  EXPECT_EQ(first.task, "t.step0");
  EXPECT_EQ(first.args, (value::list{5, 1}));
  EXPECT_EQ(out.sequels[0].messages[0].queue, queue_name{"slow"});
  EXPECT_EQ(first.embed.errbacks, (value::list{call("t.sorry")}));
  ASSERT_TRUE(first.embed.chain);
  ASSERT_EQ(first.embed.chain->size(), 2U);
  auto const next = *signature::from_value(first.embed.chain->at(1));
  auto const last = *signature::from_value(first.embed.chain->at(0));
  EXPECT_EQ(next.task, "t.step1");
  EXPECT_NE(next.option("task_id"), nullptr);
  EXPECT_EQ(*last.option("link"), (value::list{call("t.end")}));
  EXPECT_EQ(*last.option("link_error"), (value::list{call("t.sorry")}));
}

TEST_F(Workflow, AChainInsideAChainGoesBeforeWhatFollows) {
  std::vector<signature> steps(2);
  steps[0].task = "t.in0";
  steps[1].task = "t.in1";
  message.embed.chain = value::list{call("t.outer"), wire::make_chain(steps).to_value()};
  succeed();
  auto const first = sent(0);
  EXPECT_EQ(first.task, "t.in0");
  ASSERT_EQ(first.embed.chain->size(), 2U);
  EXPECT_EQ(signature::from_value(first.embed.chain->at(1))->task, "t.in1");
  EXPECT_EQ(signature::from_value(first.embed.chain->at(0))->task, "t.outer");
}

TEST_F(Workflow, AFailureIsStoredForTheStepsThatWillNotComeAndThenTellsItsErrbacks) {
  message.embed.chain =
      value::list{call("t.last", {}, {{"task_id", "s3"}, {"reply_to", "me"}}), call("t.next", {}, {{"task_id", "s2"}})};
  message.embed.errbacks = {call("t.sorry", {"x"})};
  fail_it();
  ASSERT_EQ(out.records.size(), 3U);
  EXPECT_EQ(out.records[0].id, task_id{"id-1"});
  EXPECT_EQ(out.records[1].id, task_id{"s2"});
  EXPECT_EQ(out.records[2].id, task_id{"s3"});
  EXPECT_EQ(out.records[2].reply_to, "me");
  for (auto const& r : out.records) {
    EXPECT_EQ(r.status, "FAILURE");
    EXPECT_EQ(r.result, out.records[0].result);
    EXPECT_EQ(r.children, value::list{});
    EXPECT_TRUE(r.traceback);
  }
  ASSERT_EQ(out.sequels.size(), 1U);
  EXPECT_TRUE(out.sequels[0].after_records);
  auto const m = sent(0);
  EXPECT_EQ(m.task, "t.sorry");
  EXPECT_EQ(m.args, (value::list{"id-1", "x"}));
  EXPECT_EQ(m.parent_id, "id-1");
  EXPECT_EQ(m.root_id, "root-1");
  EXPECT_TRUE(m.group);
  EXPECT_EQ(out.sequels[0].closings.at(0).how, disposition::done);
}

TEST_F(Workflow, ARetryTakesItsWorkflowAlongAndTellsNobody) {
  message.embed.callbacks = {call("t.link")};
  message.embed.errbacks = {call("t.sorry")};
  message.embed.chain = value::list{call("t.last", {}, {{"task_id", "s3"}})};
  conclude(*taken(), {LOVAGE_RETRY, pack(value{value::map{}})}, with, noon, 1ms, out);
  ASSERT_EQ(out.sequels.at(0).messages.size(), 1U);
  EXPECT_EQ(sent(0).embed, message.embed);
  EXPECT_EQ(stored().children, (value::list{value::list{value::list{"id-1", nullptr}, nullptr}}));
}

TEST_F(Workflow, ALostProcessAndAHardLimitTellTheErrbacksToo) {
  message.embed.errbacks = {call("t.sorry")};
  with.delivery_limit = 1;
  conclude_lost(*taken(), "signal 9 (SIGKILL)", with, noon, out);
  EXPECT_EQ(sent(0).task, "t.sorry");
  out.clear();
  conclude_timed_out(*taken(), with, noon, out);
  EXPECT_EQ(sent(0).task, "t.sorry");
}

TEST_F(Workflow, WhatCannotBeContinuedIsRefusedBeforeItRuns) {
  signature member;
  member.task = "t.add";
  auto const chord = wire::make_chord({member}, member).to_value();
  auto const nested = wire::make_chain({wire::make_group({member}), member}).to_value();
  value const broken{value::map{{"task", "t.add"}}};
  auto const refused = [&](char const* type) {
    out.clear();
    EXPECT_FALSE(taken());
    ASSERT_EQ(out.closings.size(), 1U);
    EXPECT_EQ(out.closings[0].how, disposition::bury);
    EXPECT_TRUE(out.sequels.empty());
    EXPECT_EQ(wire::exception_info::from_value(out.records.at(0).result)->type, type);
  };
  with.chords = false;
  for (auto const& call : {chord, nested}) {
    message.embed = {};
    message.embed.callbacks = {call};
    refused("NotImplementedError");
    message.embed = {};
    message.embed.errbacks = {call};
    refused("NotImplementedError");
    message.embed = {};
    message.embed.chain = value::list{call};
    refused("NotImplementedError");
  }
  message.embed = {};
  message.embed.chord = value{member.to_value()};
  refused("NotImplementedError");
  with.chords = true;
  message.embed.chord = broken;
  refused("TypeError");
  message.embed = {};
  message.embed.callbacks = {broken};
  refused("TypeError");
}

TEST_F(Workflow, ARefusedChainWakesWhoeverWaitsForItsEnd) {
  signature member;
  member.task = "t.add";
  member.set_option("task_id", "m1");
  member.set_option("expires", "never");
  message.embed.chain = value::list{wire::make_group({member}).to_value()};
  EXPECT_FALSE(taken());
  ASSERT_EQ(out.records.size(), 2U);
  EXPECT_EQ(out.records[1].id, task_id{"m1"});
}

TEST_F(Workflow, PriorityIsInheritedOnlyWhenAsked) {
  message.embed.callbacks = {call("t.add")};
  succeed();
  EXPECT_EQ(out.sequels.at(0).messages.at(0).priority, 0);
  out.clear();
  with.inherit_priority = true;
  succeed();
  EXPECT_EQ(out.sequels.at(0).messages.at(0).priority, 4);
}

}  // namespace
}  // namespace lovage::execute
