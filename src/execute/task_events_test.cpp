#include "execute/task_events.hpp"

#include "execute/conclude.hpp"
#include "execute/intake.hpp"

#include "core/log.hpp"
#include "wire/serializer.hpp"
#include "wire/signature.hpp"

#include "sample_task.hpp"

#include <gmock/gmock.h>

namespace lovage::execute {
namespace {

using namespace std::chrono_literals;
using testing::add;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::noon;

class TaskEvents : public ::testing::Test {
 protected:
  TaskEvents() {
    log::set_sink({}, log::level::critical);
    tasks.define(add, [](int x, int y) { return x + y; });
    with.tasks = &tasks.internals();
    with.node = "celery@test";
    with.uniform = [] { return 0.0; };
    with.events = &wanted;
    m.task = "t.add";
    m.id = task_id{"id-1"};
    m.args = {2, 3};
    m.argsrepr = "(2, 3)";
    m.kwargsrepr = "{}";
  }
  std::optional<request> take() {
    return take_in({7, queue_name{"celery"}, *wire::encode_task(m, {}), 4, 0, false}, with, noon, out);
  }
  /// As a monitor reads them.
  std::vector<wire::event> told() const {
    auto all = out.events;
    for (auto const& s : out.sequels) all.insert(all.end(), s.events.begin(), s.events.end());
    return wire::decode_events(*wire::encode_events(all, "celery@test"))->events;
  }
  /// Of the last event.
  std::vector<std::string> keys() const {
    std::vector<std::string> names;
    auto const all = told();
    for (auto const& f : all.back().fields) names.push_back(f.key);
    return names;
  }
  value field(char const* name) const {
    auto const all = told();
    auto const* v = find(all.back().fields, name);
    return v ? *v : value{"(none)"};
  }
  static outcome end(lovage_outcome kind, value::map details = {}) { return {kind, pack(value{std::move(details)})}; }

  std::atomic<bool> wanted{true};
  task_registry tasks;
  policy with;
  wire::task_message m;
  effects out;
};

TEST_F(TaskEvents, OfAnArrivalHaveCelerysFields) {
  m.root_id = "root";
  m.expires = datetime::from(noon + 1h);
  ASSERT_TRUE(take());
  EXPECT_EQ(told().back().type, "task-received");
  EXPECT_THAT(keys(), ElementsAre("uuid", "name", "args", "kwargs", "root_id", "parent_id", "retries", "eta", "expires",
                                  "queue"));
  EXPECT_EQ(field("queue"), value{"celery"});
  EXPECT_EQ(field("name"), value{"t.add"});
  EXPECT_EQ(field("args"), value{"(2, 3)"});
  EXPECT_EQ(field("root_id"), value{"root"});
  EXPECT_TRUE(field("parent_id").is_null());
  EXPECT_TRUE(field("eta").is_null());
  EXPECT_EQ(field("expires"), value{wire::to_iso(noon + 1h)});
  EXPECT_EQ(told().back().timestamp, std::chrono::duration<double>(noon.time_since_epoch()).count());
}

TEST_F(TaskEvents, OfAMemberSayItsGroupAndWhatWaitsForIt) {
  m.group = "g";
  wire::signature body;
  body.task = "t.total";
  body.set_option("task_id", "body");
  m.embed.chord = wire::make_chain({body, body}).to_value();
  m.stamped_headers = {"tenant"};
  m.stamps = {{"tenant", value::list{"acme"}}};
  ASSERT_TRUE(take());
  EXPECT_EQ(field("group_id"), value{"g"});
  EXPECT_EQ(field("chord"), value{"body"}) << "the first step of a chain";
  EXPECT_EQ(field("stamps"), value(value::map{{"tenant", value::list{"acme"}}}));
}

TEST_F(TaskEvents, OfASuccessComeWithItsResultAsText) {
  auto const r = *take();
  conclude_started(r, 5, with, noon, out);
  EXPECT_EQ(told().back().type, "task-started");
  EXPECT_EQ(told().back().timestamp, std::chrono::duration<double>(noon.time_since_epoch()).count());
  EXPECT_THAT(keys(), ElementsAre("uuid"));
  conclude(r, {LOVAGE_SUCCESS, pack(value{"x"})}, with, noon, 250ms, out);
  EXPECT_EQ(told().back().type, "task-succeeded");
  EXPECT_THAT(keys(), ElementsAre("uuid", "result", "runtime"));
  EXPECT_EQ(field("result"), value{"'x'"});
  EXPECT_EQ(field("runtime"), value{0.25});
}

TEST_F(TaskEvents, OfAFailureLookAsPythonPrintsIt) {
  auto const r = *take();
  conclude(r, end(LOVAGE_FAILURE, {{"type", "std::invalid_argument"}, {"message", "no url"}}), with, noon, 1ms, out);
  EXPECT_EQ(told().back().type, "task-failed");
  EXPECT_THAT(keys(), ElementsAre("uuid", "exception", "traceback"));
  EXPECT_EQ(field("exception"), value{"ValueError('no url')"});
}

TEST_F(TaskEvents, OfARetryGoOutWithItsMessage) {
  auto const r = *take();
  conclude(r, end(LOVAGE_RETRY, {{"countdown", 5.0}, {"type", "std::runtime_error"}, {"message", "later"}}), with, noon,
           1ms, out);
  ASSERT_EQ(out.sequels.size(), 1U);
  EXPECT_EQ(out.sequels[0].events.size(), 1U) << "told once the message of the next try is out";
  EXPECT_EQ(told().back().type, "task-retried");
  EXPECT_THAT(keys(), ElementsAre("uuid", "exception", "traceback"));
}

TEST_F(TaskEvents, OfAnExpiredTaskSayOnlyThatItWasRevoked) {
  m.expires = datetime::from(noon - 1s);
  EXPECT_FALSE(take());
  ASSERT_EQ(told().size(), 1U);
  EXPECT_EQ(told().back().type, "task-revoked");
  EXPECT_THAT(keys(), ElementsAre("uuid", "terminated", "signum", "expired"));
  EXPECT_EQ(field("expired"), value{true});
  EXPECT_EQ(field("terminated"), value{false});
  EXPECT_TRUE(field("signum").is_null());
}

TEST_F(TaskEvents, OfAnUnknownTaskHaveNoTraceback) {
  m.task = "t.unknown";
  EXPECT_FALSE(take());
  EXPECT_EQ(told().back().type, "task-failed");
  EXPECT_THAT(keys(), ElementsAre("uuid", "exception"));
  EXPECT_EQ(field("exception"), value{"NotRegistered('t.unknown')"});
}

TEST_F(TaskEvents, OfARejectionSayWhetherItGoesBack) {
  auto const r = *take();
  conclude(r, end(LOVAGE_REJECTED, {{"requeue", true}, {"reason", ""}}), with, noon, 1ms, out);
  EXPECT_EQ(told().back().type, "task-rejected");
  EXPECT_EQ(field("requeue"), value{true});
}

TEST_F(TaskEvents, OfATerminatedTaskNameTheSignal) {
  auto const r = *take();
  tell_revoked(r, with, 15, false, noon, out.events);
  EXPECT_EQ(field("terminated"), value{true});
  EXPECT_EQ(field("signum"), value{15});
}

TEST_F(TaskEvents, AreNotMadeWhenNobodyWantsThem) {
  wanted = false;
  auto const r = *take();
  conclude_started(r, 5, with, noon, out);
  conclude(r, {LOVAGE_SUCCESS, pack(value{1})}, with, noon, 1ms, out);
  with.events = nullptr;
  conclude(r, end(LOVAGE_FAILURE), with, noon, 1ms, out);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(TaskEvents, ReachTheWorkersObserverEvenWhenNobodyElseWantsThem) {
  wanted = false;
  std::vector<std::string> seen;
  std::chrono::nanoseconds took{};
  with.observe = [&](task_stage s, request const& r, std::chrono::nanoseconds runtime) {
    seen.push_back(std::string{event_type(s)} + " " + r.message.task);
    took += runtime;
  };
  auto const r = *take();
  conclude_started(r, 5, with, noon, out);
  conclude(r, {LOVAGE_SUCCESS, pack(value{1})}, with, noon, 3ms, out);
  EXPECT_THAT(seen, ElementsAre("task-received t.add", "task-started t.add", "task-succeeded t.add"));
  EXPECT_EQ(took, 3ms);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(TaskEvents, OfABodysOwnBearItsFieldsAndTheTasksId) {
  auto const r = take();
  tell_own(*r, with, "task-progress", value::map{{"done", 12}, {"of", value::list{1, "x"}}}, noon, out.events);
  EXPECT_EQ(told().back().type, "task-progress");
  EXPECT_THAT(keys(), ElementsAre("uuid", "done", "of"));
  EXPECT_EQ(field("uuid"), value{"id-1"});
  EXPECT_EQ(field("of"), (value::list{1, "x"}));
  EXPECT_EQ(told().back().timestamp, std::chrono::duration<double>(noon.time_since_epoch()).count());
}

TEST_F(TaskEvents, OfABodysOwnDoNotSayWhatEveryEventSays) {
  auto const r = take();
  value::map const fields{
      {"uuid", "other"}, {"hostname", "other"}, {"type", "task-failed"}, {"timestamp", "x"}, {"a", 1}};
  tell_own(*r, with, "order-packed", fields, noon, out.events);
  EXPECT_EQ(told().back().type, "order-packed");
  EXPECT_EQ(told().back().hostname, "celery@test");
  EXPECT_EQ(field("uuid"), value{"id-1"});
  EXPECT_THAT(keys(), ElementsAre("uuid", "a"));
}

TEST_F(TaskEvents, OfABodysOwnThatCannotBeWrittenSpoilNoOther) {
  auto const r = take();
  auto const before = out.events.size();
  tell_own(*r, with, "task-progress", value::map{{"text", "\xff"}}, noon, out.events);
  tell_own(*r, with, "task-progress", value{5}, noon, out.events);
  tell_own(*r, with, "", value::map{}, noon, out.events);
  wanted = false;
  tell_own(*r, with, "task-progress", value::map{{"a", 1}}, noon, out.events);
  EXPECT_EQ(out.events.size(), before);
  wanted = true;
  tell_own(*r, with, "task-progress", value::map{{"a", 1}}, noon, out.events);
  EXPECT_EQ(out.events.size(), before + 1);
}

}  // namespace
}  // namespace lovage::execute
