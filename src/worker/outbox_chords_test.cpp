#include "backend/memory/memory_backend.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "worker/outbox.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace lovage::outbox_tests {
namespace {

using namespace std::chrono_literals;
using execute::ended_part;
using execute::sequel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using work::outbox;

/// What broker and backend were asked to do, in order; each word may be refused.
struct diary {
  std::vector<std::string> done;
  std::map<std::string, errc> refused;

  expected<void> write(std::string const& what) {
    auto const verb = what.substr(0, what.find(' '));
    if (auto const at = refused.find(verb); at != refused.end()) return fail(at->second, "not now");
    done.push_back(what);
    return {};
  }
};

struct sender final : broker::producer {
  explicit sender(diary& d) : to{d} {}
  expected<void> publish(std::span<broker::outgoing const> messages, deadline) override {
    std::string names;
    for (auto const& m : messages) names += " " + m.queue.str();
    return to.write("publish" + names);
  }
  diary& to;
};

struct taker final : broker::consumer {
  explicit taker(diary& d) : to{d} {}
  expected<std::vector<broker::delivery>> claim(std::size_t, deadline) override {
    return std::vector<broker::delivery>{};
  }
  expected<void> settle(std::span<broker::settlement const>, deadline) override { return to.write("settle"); }
  void interrupt() override {}
  expected<void> subscribe(broker::queue_spec const&, deadline) override { return {}; }
  expected<void> unsubscribe(queue_name const&, deadline) override { return {}; }
  void select(std::span<queue_name const>) override {}
  void allow(std::size_t) override {}
  void close() override {}
  diary& to;
};

struct counter final : backend::result_backend {
  explicit counter(diary& d) : to{d} {}
  expected<void> store(std::span<wire::result_record const> records, std::chrono::seconds, deadline) override {
    return records.empty() ? expected<void>{} : to.write("store " + records.front().status);
  }
  expected<std::vector<wire::result_record>> fetch(std::span<task_id const> ids, deadline) override {
    std::vector<wire::result_record> out(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      out[i].id = ids[i];
      if (ran.contains(ids[i].str())) out[i].status = wire::state::started;
    }
    return out;
  }
  expected<void> forget(std::span<task_id const>, deadline) override { return {}; }
  expected<std::unique_ptr<backend::watch>> make_watch() override { return fail(errc::not_supported, ""); }
  expected<std::uint64_t> cleanup(deadline) override { return std::uint64_t{0}; }
  expected<void> start_chords(std::span<backend::chord_start const> chords, std::chrono::seconds expires,
                              deadline) override {
    if (chords.empty()) return {};
    return to.write((expires > 48h ? "keep " : "start ") + chords.front().group);
  }
  expected<std::vector<backend::chord_end>> count_parts(std::span<backend::chord_part const> parts,
                                                        std::span<value const>, std::chrono::seconds,
                                                        deadline) override {
    for (auto const& p : parts)
      if (p.result == value{"no form"}) return fail(errc::encode, "no form");
    if (auto ok = to.write("count " + parts.front().group + " " + parts.front().status); !ok) return fail(ok.error());
    return std::exchange(ends, {});
  }
  expected<void> end_chords(std::span<std::string const> groups, deadline) override {
    return groups.empty() ? expected<void>{} : to.write("end " + groups.front());
  }
  expected<void> grow_chord(std::string const& group, std::span<task_id const> added, deadline) override {
    auto what = "grow " + group;
    for (auto const& id : added) what += " " + id.str();
    return to.write(what);
  }
  expected<std::vector<backend::chord_end>> claim_chords(std::size_t, deadline) override {
    if (auto ok = to.write("adopt"); !ok) return fail(ok.error());
    return std::exchange(ends, {});
  }
  expected<value> chord_body(std::string const& group, deadline) override {
    if (auto ok = to.write("body " + group); !ok) return fail(ok.error());
    return value{group};
  }
  diary& to;
  std::vector<backend::chord_end> ends;
  std::set<std::string> ran;
};

class ChordsOfAnOutbox : public ::testing::Test {
 protected:
  ChordsOfAnOutbox() {
    log::set_sink({}, log::level::critical);
    to.producer = std::make_shared<sender>(log_);
    to.results = results;
    to.source = std::make_unique<taker>(log_);
    box.attach(to);
  }
  ~ChordsOfAnOutbox() override { log::set_sink({}, log::level::info); }
  static broker::outgoing message(std::string queue) {
    broker::outgoing out{queue_name{queue}, {}, 0, std::nullopt};
    out.envelope.headers.push_back({"id", std::move(queue)});
    return out;
  }
  static ended_part part(value result = 1) {
    return {{"g", 0, task_id{"m"}, wire::state::success, std::move(result)}, {}, "root"};
  }
  std::uint64_t job() {
    auto const out = book.arrive(++tag);
    book.enter(out, "key" + std::to_string(out));
    return out;
  }
  void member_ended(value result = 1) {
    wire::result_record r;
    r.id = task_id{"m"};
    r.status = wire::state::success;
    box.pending().records.push_back(std::move(r));
    box.pending().parts.push_back(part(std::move(result)));
    box.pending().closings.push_back({job(), broker::disposition::done, {}, true});
  }
  /// The member of a chord of one that has added a task to it.
  sequel member_that_adds() {
    sequel out;
    out.messages.push_back(message("added"));
    out.grown.push_back({"g", {task_id{"added"}}});
    out.may_have_run = true;
    out.parts.push_back(part());
    out.closings.push_back({job(), broker::disposition::done, {}, true});
    return out;
  }
  bool flush() { return box.flush(1s, outbox::clock::time_point{} + 1h); }
  // The body goes to the queue that has the chord's name.
  void conclude(backend::chord_end&& end, ended_part const* by, execute::effects& out) {
    by_whom.push_back(by ? by->part.id.str() : "nobody");
    sequel then;
    then.messages.push_back(message("body-of-" + end.group));
    then.ended = {end.group};
    out.sequels.push_back(std::move(then));
  }

  diary log_;
  std::shared_ptr<counter> results = std::make_shared<counter>(log_);
  work::delivery_book book;
  std::uint64_t tag = 0;
  std::vector<std::string> by_whom;
  outbox box{book, system_now, 24h, [this](backend::chord_end&& end, ended_part const* by, execute::effects& out) {
               conclude(std::move(end), by, out);
             }};
  work::connections to;
};

TEST_F(ChordsOfAnOutbox, AreAnnouncedBeforeTheirHeadersGoOut) {
  sequel next;
  next.messages.push_back(message("header"));
  next.chords.now.push_back({"g", 1, {}});
  next.chords.later.push_back({"later", 1, "body"});
  next.closings.push_back({job(), broker::disposition::done, {}, true});
  box.pending().sequels.push_back(std::move(next));
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("start g", "keep later", "publish header", "settle"));
}

TEST_F(ChordsOfAnOutbox, ThatCannotBeAnnouncedSendNothing) {
  sequel next;
  next.messages.push_back(message("header"));
  next.chords.now.push_back({"g", 1, {}});
  next.closings.push_back({job(), broker::disposition::done, {}, true});
  box.pending().sequels.push_back(std::move(next));
  log_.refused["start"] = errc::unavailable;
  (void)flush();
  EXPECT_THAT(log_.done, IsEmpty());
  EXPECT_FALSE(box.empty());
}

TEST_F(ChordsOfAnOutbox, AreCountedAfterTheRecordAndBeforeTheDeliveryIsSettled) {
  member_ended();
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("store SUCCESS", "count g SUCCESS", "settle"));
}

TEST_F(ChordsOfAnOutbox, ThatAreCompleteSendTheirBodyBeforeTheLastPartIsSettled) {
  member_ended();
  results->ends = {{"g", {part().part}, {}, 0}};
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("store SUCCESS", "count g SUCCESS", "publish body-of-g", "end g", "settle"));
  EXPECT_THAT(by_whom, ElementsAre("m"));
  EXPECT_TRUE(box.empty());
}

TEST_F(ChordsOfAnOutbox, ThatCannotBeCountedKeepTheDeliveryOpen) {
  member_ended();
  log_.refused["count"] = errc::unavailable;
  EXPECT_FALSE(flush());
  EXPECT_THAT(log_.done, ElementsAre("store SUCCESS"));
  log_.refused.clear();
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("store SUCCESS", "count g SUCCESS", "settle"));
}

TEST_F(ChordsOfAnOutbox, FailOverAPartThatTheBackendHasNoFormFor) {
  member_ended("no form");
  member_ended();
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("store SUCCESS", "count g SUCCESS", "count g FAILURE", "settle"));
}

TEST_F(ChordsOfAnOutbox, ThatWereLeftAreTakenOverNowAndThen) {
  auto const now = outbox::clock::time_point{} + 1h;
  results->ends = {{"g", {part().part}, {}, std::nullopt}};
  box.adopt_chords(1s, now);
  box.adopt_chords(1s, now + 1s);
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("adopt", "publish body-of-g", "end g"));
  EXPECT_THAT(by_whom, ElementsAre("nobody"));
  box.adopt_chords(1s, now + 11s);
  EXPECT_EQ(log_.done.back(), "adopt");
}

TEST_F(ChordsOfAnOutbox, ThatWereLeftAfterTheirBodyWasSentAreOnlyEnded) {
  results->ends = {{"g", {part().part}, {}, std::nullopt}};
  results->ran = {"body-of-g"};
  box.adopt_chords(1s, outbox::clock::time_point{} + 1h);
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("adopt", "end g"));
}

TEST_F(ChordsOfAnOutbox, WhoseBodyIsKeptAreLookedUpForAWorkerThatCannot) {
  box.pending().bodies.push_back(
      {{"g", {part().part}, {}, std::nullopt}, part(), {job(), broker::disposition::done, {}}});
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("body g", "publish body-of-g", "end g", "settle"));
}

TEST_F(ChordsOfAnOutbox, GrowBeforeWhatIsAddedGoesOut) {
  box.pending().sequels.push_back(member_that_adds());
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("grow g added", "publish added", "count g SUCCESS", "settle"));
}

TEST_F(ChordsOfAnOutbox, SendNothingTwiceThatWasAddedInAnEarlierLifeAndHasRun) {
  results->ran = {"added"};
  box.pending().sequels.push_back(member_that_adds());
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("grow g added", "count g SUCCESS", "settle"));
}

TEST_F(ChordsOfAnOutbox, EndThoughAWorkerDiedBetweenTheirGrowthAndWhatWasAdded) {
  auto const kept = backend::make_memory_backend(backend::at("memory://" + random_uuid().str()), 5s).value();
  to.results = kept;
  ASSERT_TRUE(kept->start_chords(std::vector{backend::chord_start{"g", 1, {}}}, 1h, 5s));
  log_.refused["publish"] = errc::no_space;
  {
    outbox first{book, system_now, 24h, {}};
    first.attach(to);
    first.pending().sequels.push_back(member_that_adds());
    EXPECT_FALSE(first.flush(1s, outbox::clock::time_point{} + 1h));
  }
  log_.refused.clear();
  box.pending().sequels.push_back(member_that_adds());
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("publish added", "settle"));
  auto added = part();
  added.part.id = task_id{"added"};
  added.part.index.reset();
  box.pending().parts.push_back(std::move(added));
  EXPECT_TRUE(flush());
  EXPECT_THAT(by_whom, ElementsAre("added"));
}

TEST_F(ChordsOfAnOutbox, WhoseNextStepIsRefusedForGoodLearnOfIt) {
  sequel next;
  next.messages.push_back(message("nowhere"));
  next.records.push_back({});
  next.waiting.push_back(task_id{"last"});
  next.lost.push_back(part());
  next.closings.push_back({job(), broker::disposition::done, {}, true});
  box.pending().sequels.push_back(std::move(next));
  log_.refused["publish"] = errc::bad_config;
  EXPECT_TRUE(flush());
  EXPECT_THAT(log_.done, ElementsAre("store FAILURE", "count g FAILURE", "settle"));
}

}  // namespace
}  // namespace lovage::outbox_tests
