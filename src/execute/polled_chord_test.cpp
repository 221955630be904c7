#include "execute/polled_chord.hpp"

#include "execute/intake.hpp"
#include "sample_task.hpp"
#include "wire/signature.hpp"

#include <gtest/gtest.h>

namespace lovage::execute {
namespace {

using namespace std::chrono_literals;
using testing::noon;

class PolledChord : public ::testing::Test, protected testing::worker_rules {
 protected:
  PolledChord() {
    wire::signature body;
    body.task = "t.total";
    body.options = {{"task_id", "body"}};
    message.task = "celery.chord_unlock";
    message.id = task_id{"unlock"};
    message.args = {"g", body.to_value()};
    message.kwargs = {{"interval", value{}}, {"max_retries", value{}}, {"result", handles({"a", "b"})}};
    message.ignore_result = true;
  }
  static value handles(std::vector<std::string> const& ids) {
    value::list out;
    for (auto const& id : ids) out.push_back(wire::result_tuple{id, {}, std::nullopt}.to_value());
    return out;
  }
  request taken() {
    broker::delivery d{7, queue_name{"celery"}, *wire::encode_task(message, {}), 4, 0, false};
    return *read(std::move(d), with, noon, out);
  }
  static wire::result_record record(std::string id, std::string status, value result = {}) {
    wire::result_record r;
    r.id = task_id{std::move(id)};
    r.status = std::move(status);
    r.result = std::move(result);
    return r;
  }
  void ask(std::vector<wire::result_record> const& records) {
    auto const r = taken();
    conclude_polled(r, polled_chord::of(r).value(), records, with, noon, out);
  }
  wire::task_message sent() const { return *wire::decode_task(out.sequels.at(0).messages.at(0).envelope, with.accept); }

  wire::task_message message;
};

TEST_F(PolledChord, IsTheTaskThatPythonSends) {
  auto const r = taken();
  EXPECT_TRUE(asks_after_chord(r));
  EXPECT_TRUE(admit(r, with, noon, out)) << "it is registered";
  auto const c = polled_chord::of(r).value();
  EXPECT_EQ(c.group, "g");
  EXPECT_EQ(c.interval, 1s);
  EXPECT_EQ(c.awaited(), (std::vector{task_id{"a"}, task_id{"b"}}));
}

TEST_F(PolledChord, ComesAgainWhileMembersRun) {
  message.kwargs[0].val = 2.5;
  ask({record("a", "SUCCESS", 1), record("b", "STARTED")});
  ASSERT_EQ(out.sequels.size(), 1U);
  EXPECT_EQ(out.sequels[0].messages.at(0).due, noon + 2'500ms);
  EXPECT_EQ(sent().id, task_id{"unlock"});
  EXPECT_EQ(sent().retries, 1);
  EXPECT_EQ(sent().args, message.args);
  EXPECT_EQ(out.sequels[0].closings.size(), 1U);
}

TEST_F(PolledChord, SendsTheBodyWithTheResultsInTheHeadersOrder) {
  ask({record("a", "SUCCESS", 1), record("b", "SUCCESS", 2)});
  EXPECT_EQ(sent().task, "t.total");
  EXPECT_EQ(sent().id, task_id{"body"});
  EXPECT_EQ(sent().args, (value::list{value::list{1, 2}}));
  EXPECT_EQ(out.sequels[0].closings.size(), 1U) << "acknowledged once the body is out";
  EXPECT_TRUE(out.closings.empty());
}

TEST_F(PolledChord, CollectsTheResultsOfAGroupInAList) {
  auto const group = wire::result_tuple{"inner", {}, std::vector<wire::result_tuple>{{"b", {}, {}}, {"c", {}, {}}}};
  message.kwargs[2].val = value::list{wire::result_tuple{"a", {}, std::nullopt}.to_value(), group.to_value()};
  ask({record("a", "SUCCESS", 1), record("b", "SUCCESS", 2), record("c", "SUCCESS", 3)});
  EXPECT_EQ(sent().args, (value::list{value::list{1, value::list{2, 3}}}));
}

TEST_F(PolledChord, TellsTheBodyOfAFailure) {
  ask({record("a", "SUCCESS", 1),
       record("b", "FAILURE", wire::exception_info{"ValueError", {"no"}, "builtins"}.to_value())});
  EXPECT_TRUE(out.sequels.empty());
  ASSERT_EQ(out.records.size(), 1U);
  EXPECT_EQ(out.records[0].id, task_id{"body"});
  EXPECT_EQ(out.records[0].status, "FAILURE");
  EXPECT_EQ(wire::exception_info::from_value(out.records[0].result)->text(), "Dependency b raised ValueError('no')");
  EXPECT_EQ(out.closings.size(), 1U);
}

TEST_F(PolledChord, FailsWhenItMayNotComeAgain) {
  message.kwargs[1].val = 3;
  message.retries = 3;
  ask({record("a", "SUCCESS", 1), record("b", "PENDING")});
  ASSERT_EQ(out.records.size(), 1U);
  EXPECT_EQ(out.records[0].status, "FAILURE");
}

TEST_F(PolledChord, ThatSaysNothingUsefulIsAnError) {
  auto const why = [this] { return polled_chord::of(taken()).error().text(); };
  message.kwargs[2].val = 7;
  EXPECT_NE(why().find("results"), std::string::npos);
  message.args.pop_back();
  EXPECT_NE(why().find("signature"), std::string::npos);
  message.args.clear();
  EXPECT_NE(why().find("id is missing"), std::string::npos);
}

}  // namespace
}  // namespace lovage::execute
