#include "execute/conclude.hpp"
#include "execute/exception_name.hpp"
#include "execute/intake.hpp"

#include "core/log.hpp"
#include "wire/serializer.hpp"

#include "sample_task.hpp"

#include <gtest/gtest.h>

namespace lovage::execute {
namespace {

using namespace std::chrono_literals;
using broker::disposition;
using testing::add;
using testing::noon;

class Execute : public ::testing::Test, protected testing::worker_rules {
 protected:
  static wire::task_message message(char const* name = "t.add") {
    wire::task_message m;
    m.task = name;
    m.id = task_id{"id-1"};
    m.args = {2, 3};
    m.argsrepr = "(2, 3)";
    m.kwargsrepr = "{}";
    return m;
  }
  static broker::delivery delivered(wire::task_message const& m, std::uint32_t attempts = 0) {
    return {7, queue_name{"celery"}, *wire::encode_task(m, {}), 4, attempts, attempts > 0};
  }
  request taken(wire::task_message const& m, std::uint32_t attempts = 0) {
    auto r = take_in(delivered(m, attempts), with, noon, out);
    EXPECT_TRUE(r.has_value());
    return *std::move(r);
  }
  static outcome end(lovage_outcome kind, value::map details = {}) { return {kind, pack(value{std::move(details)})}; }
  std::vector<wire::result_record> records() const {
    auto all = out.records;
    for (auto const& s : out.sequels) all.insert(all.end(), s.records.begin(), s.records.end());
    return all;
  }
  std::vector<closing> closings() const {
    auto all = out.closings;
    for (auto const& s : out.sequels) all.insert(all.end(), s.closings.begin(), s.closings.end());
    return all;
  }
  std::vector<broker::outgoing> messages() const {
    std::vector<broker::outgoing> all;
    for (auto const& s : out.sequels) all.insert(all.end(), s.messages.begin(), s.messages.end());
    return all;
  }
  std::string only_status() const { return records().size() == 1 ? records()[0].status : "none"; }
  disposition only_closing() const {
    EXPECT_EQ(closings().size(), 1U);
    return closings().at(0).how;
  }
  std::string exception_type() const { return wire::exception_info::from_value(records().at(0).result)->type; }
};

TEST_F(Execute, AMessageOfAKnownTaskIsTakenIn) {
  auto const r = taken(message());
  EXPECT_EQ(r.label(), "t.add[id-1]");
  EXPECT_EQ(r.priority, 4);
  EXPECT_TRUE(out.empty());
}

TEST_F(Execute, AnUnregisteredTaskIsBuriedAndItsCallerIsTold) {
  EXPECT_FALSE(take_in(delivered(message("t.unknown")), with, noon, out));
  EXPECT_EQ(only_closing(), disposition::bury);
  EXPECT_EQ(exception_type(), "NotRegistered");
}

TEST_F(Execute, AnUnreadableMessageIsBuriedWithItsReason) {
  auto d = delivered(message());
  d.envelope.body = "[[2, 3";
  EXPECT_FALSE(take_in(std::move(d), with, noon, out));
  EXPECT_EQ(only_closing(), disposition::bury);
  EXPECT_FALSE(closings().at(0).reason.empty());
  EXPECT_EQ(only_status(), "FAILURE");
}

TEST_F(Execute, EveryRecordKnowsWhereItsReaderWaits) {
  auto m = message();
  m.properties.reply_to = "replies";
  m.properties.correlation_id = "ask-1";
  auto broken = delivered(m);
  broken.envelope.body = "[[2, 3";
  EXPECT_FALSE(take_in(std::move(broken), with, noon, out));
  auto r = taken(m);
  conclude_started(r, 5, with, noon, out);
  conclude_state(r, "PROGRESS", {}, with, out);
  conclude_lost(r, "signal 9", with, noon, out);
  conclude(r, end(LOVAGE_SUCCESS), with, noon, 1ms, out);
  ASSERT_GE(records().size(), 3U);
  for (auto const& record : records()) {
    EXPECT_EQ(record.reply_to, "replies") << record.status;
    EXPECT_EQ(record.correlation_id, "ask-1");
  }
}

TEST_F(Execute, AMessageBegunTooOftenIsBuried) {
  EXPECT_FALSE(take_in(delivered(message(), 5), with, noon, out));
  EXPECT_EQ(only_closing(), disposition::bury);
  EXPECT_EQ(exception_type(), "WorkerLostError");
}

TEST_F(Execute, AnExpiredTaskIsRevokedNotRun) {
  auto m = message();
  m.expires = datetime::from(noon - 1s);
  EXPECT_FALSE(take_in(delivered(m), with, noon, out));
  EXPECT_EQ(only_status(), "REVOKED");
  EXPECT_EQ(only_closing(), disposition::done);
}

TEST_F(Execute, AMessageBeforeItsTimeGoesBackToTheBrokerNotIntoMemory) {
  auto m = message();
  m.eta = datetime::from(noon + 1h);
  EXPECT_FALSE(take_in(delivered(m), with, noon, out));
  ASSERT_EQ(messages().size(), 1U);
  EXPECT_EQ(messages()[0].due, noon + 1h);
  EXPECT_EQ(only_closing(), disposition::done);
}

TEST_F(Execute, SuccessIsStoredAndAcknowledged) {
  conclude(taken(message()), {LOVAGE_SUCCESS, pack(5)}, with, noon, 1ms, out);
  EXPECT_EQ(only_status(), "SUCCESS");
  EXPECT_EQ(records()[0].result, value{5});
  EXPECT_EQ(records()[0].date_done, "2026-11-23T12:00:00+00:00");
  EXPECT_EQ(only_closing(), disposition::done);
}

TEST_F(Execute, AnIgnoredResultIsAcknowledgedOnly) {
  auto m = message();
  m.ignore_result = true;
  auto const r = taken(m);
  conclude(r, {LOVAGE_SUCCESS, pack(5)}, with, noon, 1ms, out);
  EXPECT_TRUE(records().empty());
  EXPECT_EQ(only_closing(), disposition::done);
}

TEST_F(Execute, ErrorsOfIgnoredResultsAreStoredWhereThatIsAsked) {
  auto m = message();
  m.ignore_result = true;
  conclude(taken(m), end(LOVAGE_FAILURE, {{"type", "std::runtime_error"}, {"message", "x"}}), with, noon, 1ms, out);
  EXPECT_TRUE(records().empty());
  out.clear();
  with.defaults.store_errors_even_if_ignored = true;
  conclude(taken(m), end(LOVAGE_FAILURE, {{"type", "std::runtime_error"}, {"message", "x"}}), with, noon, 1ms, out);
  EXPECT_EQ(only_status(), "FAILURE");
}

TEST_F(Execute, AFailureCarriesPythonsNameOfAStandardException) {
  conclude(taken(message()), end(LOVAGE_FAILURE, {{"type", "std::invalid_argument"}, {"message", "no url"}}), with,
           noon, 1ms, out);
  auto const e = wire::exception_info::from_value(records().at(0).result);
  EXPECT_EQ(e->type, "ValueError");
  EXPECT_EQ(e->text(), "no url");
  EXPECT_EQ(only_closing(), disposition::done);
}

TEST_F(Execute, ARetryIsPublishedWithTheSameIdBeforeItsRecord) {
  conclude(taken(message()), end(LOVAGE_RETRY, {{"countdown", 30.0}}), with, noon, 1ms, out);
  ASSERT_EQ(messages().size(), 1U);
  auto const next = *wire::decode_task(messages()[0].envelope, with.accept);
  EXPECT_EQ(next.id, task_id{"id-1"});
  EXPECT_EQ(next.retries, 1);
  EXPECT_EQ(next.parent_id, "id-1");
  EXPECT_EQ(next.eta->to_time_point(), noon + 30s);
  EXPECT_EQ(messages()[0].due, noon + 30s);
  EXPECT_EQ(messages()[0].priority, 4);
  EXPECT_EQ(only_status(), "RETRY");
  EXPECT_FALSE(records()[0].date_done);
  EXPECT_EQ(wire::to_json(records()[0].children).value(), R"([[["id-1", null], null]])");
  EXPECT_EQ(only_closing(), disposition::done);
}

TEST_F(Execute, UsedUpRetriesFailWithTheCauseOrWithCelerysError) {
  auto m = message();
  m.retries = 3;
  conclude(taken(m), end(LOVAGE_RETRY, {{"type", "shop::busy"}, {"message", "later"}}), with, noon, 1ms, out);
  EXPECT_EQ(exception_type(), "busy");
  out.clear();
  conclude(taken(m), end(LOVAGE_RETRY), with, noon, 1ms, out);
  EXPECT_EQ(exception_type(), "MaxRetriesExceededError");
  EXPECT_TRUE(messages().empty());
}

TEST_F(Execute, AnAutomaticRetryFollowsTheBackoff) {
  with.defaults.retry_backoff_s = 2;
  with.defaults.retry_jitter = false;
  conclude(taken(message()),
           end(LOVAGE_FAILURE, {{"type", "std::runtime_error"}, {"message", "x"}, {"autoretry", true}}), with, noon,
           1ms, out);
  EXPECT_EQ(messages().at(0).due, noon + 2s);
}

TEST_F(Execute, RejectGoesBackOrToTheDeadSet) {
  conclude(taken(message()), end(LOVAGE_REJECTED, {{"requeue", true}}), with, noon, 1ms, out);
  EXPECT_EQ(only_closing(), disposition::requeue);
  out.clear();
  conclude(taken(message()), end(LOVAGE_REJECTED, {{"requeue", false}, {"reason", "bad"}}), with, noon, 1ms, out);
  EXPECT_EQ(only_closing(), disposition::bury);
  EXPECT_EQ(closings().at(0).reason, "bad");
  EXPECT_TRUE(records().empty());
}

TEST_F(Execute, ADeadChildsTaskIsGivenToAnotherUntilTheLimit) {
  conclude_lost(taken(message(), 3), "signal 9 (SIGKILL)", with, noon, out);
  EXPECT_EQ(only_closing(), disposition::requeue);
  EXPECT_TRUE(records().empty());
  out.clear();
  conclude_lost(taken(message(), 4), "signal 9 (SIGKILL)", with, noon, out);
  EXPECT_EQ(only_closing(), disposition::bury);
  EXPECT_EQ(exception_type(), "WorkerLostError");
}

TEST_F(Execute, AnEarlyAcknowledgedTaskOfADeadChildFails) {
  auto r = taken(message());
  r.settled = true;
  conclude_lost(r, "exit status 3", with, noon, out);
  EXPECT_EQ(only_status(), "FAILURE");
  EXPECT_EQ(only_closing(), disposition::bury);  // which settles nothing: its tag is gone
}

TEST_F(Execute, AHardLimitIsTimeLimitExceededWithTheLimit) {
  auto m = message();
  m.hard_limit_s = 1.5;
  conclude_timed_out(taken(m), with, noon, out);
  auto const e = wire::exception_info::from_value(records().at(0).result);
  EXPECT_EQ(e->type, "TimeLimitExceeded");
  EXPECT_FALSE(records()[0].traceback);
  EXPECT_EQ(e->message, value::list{1.5});
}

TEST_F(Execute, ATerminatedTaskIsRevokedAndAcknowledgedWhateverItsOptionsSayOfLostWorkers) {
  conclude_terminated(taken(message()), "signal 15 (SIGTERM)", with, noon, out);
  EXPECT_EQ(only_status(), "REVOKED");
  EXPECT_EQ(only_closing(), disposition::done);
  auto const e = wire::exception_info::from_value(records().at(0).result);
  EXPECT_EQ(e->type, "TaskRevokedError");
  EXPECT_EQ(e->message, value::list{"terminated"});
  EXPECT_EQ(e->module, "celery.exceptions");
  EXPECT_TRUE(closings().at(0).over);
}

TEST_F(Execute, ASoftLimitThatLeavesTheBodyIsCelerysException) {
  conclude(taken(message()), end(LOVAGE_FAILURE, {{"type", "lovage::soft_time_limit_exceeded"}, {"message", "late"}}),
           with, noon, 1ms, out);
  auto const e = wire::exception_info::from_value(records().at(0).result);
  EXPECT_EQ(e->type, "SoftTimeLimitExceeded");
  EXPECT_EQ(e->message, value::list{});
  EXPECT_EQ(e->module, "billiard.exceptions");
}

// As Celery 5.2 stored it (tests/golden/results-redis/extended.json), with our id, node and time.
TEST_F(Execute, ExtendedResultsCarryTheCallAsCelerysDo) {
  with.result_extended = true;
  auto m = message();
  m.group = "g-1";
  m.parent_id = "p-1";
  conclude(taken(m), {LOVAGE_SUCCESS, pack(5)}, with, noon, 1ms, out);
  EXPECT_EQ(wire::encode_record(records().at(0)).value(),
            R"({"status": "SUCCESS", "result": 5, "traceback": null, "children": [], )"
            R"("date_done": "2026-11-23T12:00:00+00:00", "group_id": "g-1", "parent_id": "p-1", )"
            R"("name": "t.add", "args": [2, 3], "kwargs": {}, "worker": "celery@test", "retries": 0, )"
            R"("queue": "celery", "task_id": "id-1"})");
  out.clear();
  m.stamped_headers = {"tenant"};
  m.stamps = {{"tenant", value::list{"acme"}}};
  conclude(taken(m), {LOVAGE_SUCCESS, pack(5)}, with, noon, 1ms, out);
  EXPECT_EQ(*find(records().at(0).extended, "stamped_headers"), value(value::list{"tenant"}));
  EXPECT_EQ(*find(records().at(0).extended, "tenant"), value(value::list{"acme"}));
}

TEST_F(Execute, ATracebackTellsTaskPlaceCausesAndEndsWithWhatWasThrown) {
  auto m = message();
  m.retries = 2;
  value::list const causes{value::map{{"type", "shop::timeout"}, {"message", "5 s"}},
                           value::map{{"type", "std::system_error"}, {"message", "refused"}}};
  conclude(taken(m, 1), end(LOVAGE_FAILURE, {{"type", "shop::declined"}, {"message", "no money"}, {"causes", causes}}),
           with, noon, 1ms, out);
  EXPECT_EQ(records().at(0).traceback,
            "Task t.add[id-1] on celery@test (queue celery, retry 2, delivery 2):\n"
            "std::system_error: refused\n\nled to\n\nshop::timeout: 5 s\n\nled to\n\nshop::declined: no money\n");
}

TEST_F(Execute, ARetryWithACauseHasATracebackAndItsOwnHandleAsChild) {
  conclude(taken(message()), end(LOVAGE_RETRY, {{"type", "std::runtime_error"}, {"message", "not yet"}}), with, noon,
           1ms, out);
  EXPECT_EQ(exception_type(), "RuntimeError");
  EXPECT_TRUE(records()[0].traceback->ends_with("\nstd::runtime_error: not yet\n"));
  EXPECT_EQ(records()[0].children, (value::list{value::list{value::list{"id-1", nullptr}, nullptr}}));
}

TEST_F(Execute, APluginMayNameTheModuleOfItsException) {
  conclude(taken(message()), end(LOVAGE_FAILURE, {{"type", "Declined"}, {"message", "x"}, {"module", "shop.errors"}}),
           with, noon, 1ms, out);
  EXPECT_EQ(wire::exception_info::from_value(records().at(0).result)->module, "shop.errors");
}

TEST_F(Execute, OnlyATaskThatIsOverMakesItsCopiesNeedless) {
  conclude(taken(message()), {LOVAGE_SUCCESS, pack(5)}, with, noon, 1ms, out);
  EXPECT_TRUE(closings().at(0).over);
  for (bool const requeue : {true, false}) {
    out.clear();
    conclude(taken(message()), end(LOVAGE_REJECTED, {{"requeue", requeue}}), with, noon, 1ms, out);
    EXPECT_FALSE(closings().at(0).over);
  }
  out.clear();
  auto m = message();
  m.eta = datetime::from(noon + 1h);
  EXPECT_FALSE(take_in(delivered(m), with, noon, out));
  EXPECT_FALSE(closings().at(0).over);  // the delayed message has the same id and count of retries
}

TEST(ExceptionName, NestedExceptionsAreNamedAfterTheirOwnClass) {
  EXPECT_EQ(describe_exception("std::_Nested_exception<std::out_of_range>", "").type, "IndexError");
  EXPECT_EQ(describe_exception("unknown", "").type, "Exception");
}

TEST(ExceptionName, OwnClassesKeepTheirNameAndAHarmlessModule) {
  auto const e = describe_exception("shop::payment::declined", "no money");
  EXPECT_EQ(e.type, "declined");
  EXPECT_EQ(e.module, "lovage.shop.payment");
  EXPECT_EQ(describe_exception("shop::box<std::string>", "").type, "box<std::string>");
}

}  // namespace
}  // namespace lovage::execute
