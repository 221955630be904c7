// What the rpc backend does beyond the suite of its plug point: the messages, and the queue they go to.
#include "backend/rpc/rpc_backend.hpp"
#include "broker/memory/memory_transport.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "wire/serializer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using wire::result_record;

value golden_messages() {
  std::ifstream in{std::filesystem::path{LOVAGE_SOURCE_DIR} / "tests/golden/results-rpc/messages.json"};
  std::ostringstream text;
  text << in.rdbuf();
  return wire::from_json(text.str()).value();
}

/// In front of a transport: remembers the reply queues that were made, and can be asked to make none.
struct watched_transport final : broker::transport {
  explicit watched_transport(std::shared_ptr<broker::transport> to) : on{std::move(to)} {}
  broker::traits abilities() const override { return on->abilities(); }
  expected<std::unique_ptr<broker::producer>> make_producer(deadline until) override {
    return on->make_producer(until);
  }
  expected<std::unique_ptr<broker::consumer>> make_consumer(broker::consumer_options o, deadline until) override {
    return on->make_consumer(std::move(o), until);
  }
  expected<std::unique_ptr<broker::inspector>> make_inspector(deadline until) override {
    return on->make_inspector(until);
  }
  expected<std::unique_ptr<broker::inbox>> make_inbox(broker::queue_spec const& queue, deadline until) override {
    if (refuse) return fail(errc::unavailable, "no broker");
    made.push_back(queue);
    return on->make_inbox(queue, until);
  }
  std::shared_ptr<broker::transport> on;
  std::vector<broker::queue_spec> made;
  bool refuse = false;
};

class RpcBackend : public ::testing::Test {
 protected:
  std::shared_ptr<result_backend> backend_of(std::string reply_to, std::function<void(settings&)> const& change = {}) {
    auto with = at("rpc://");
    with.reply_to = std::move(reply_to);
    with.transport = [this](deadline) { return expected<std::shared_ptr<broker::transport>>{transport_}; };
    if (change) change(with);
    return make_rpc_backend(with, 5s).value();
  }
  static result_record record(std::string id, std::string status, value result = {}, std::string reply_to = "me") {
    result_record r;
    r.id = task_id{std::move(id)};
    r.status = std::move(status);
    r.result = std::move(result);
    r.reply_to = std::move(reply_to);
    return r;
  }
  /// The messages that reach a queue of this name while `act` runs.
  template <class F>
  std::vector<wire::envelope> messages_to(std::string name, F&& act) {
    broker::queue_spec spec;
    spec.name = queue_name{std::move(name)};
    auto const inbox = transport_->on->make_inbox(spec, 5s).value();
    act();
    return inbox->take(deadline::now()).value();
  }
  void publish(wire::envelope message, std::string to) {
    broker::outgoing out;
    out.queue = queue_name{std::move(to)};
    out.envelope = std::move(message);
    out.must_route = false;
    ASSERT_TRUE(transport_->make_producer(5s).value()->publish({&out, 1}, 5s));
  }

  std::shared_ptr<watched_transport> transport_ = std::make_shared<watched_transport>(
      broker::make_memory_transport(broker::at("memory://" + random_uuid().str()), 5s).value());
  std::shared_ptr<result_backend> on_ = backend_of("me");
};

TEST_F(RpcBackend, SendsEachRecordAsPythonDoes) {
  auto const golden = golden_messages();
  int compared = 0;
  for (auto const& m : *golden.find("messages")->get_if<value::list>()) {
    auto const& body = *m.find("body");
    auto const& p = *m.find("properties");
    auto r = wire::to_record(value{body}).value();
    r.reply_to = *m.find("routing_key")->get_if<std::string>();
    r.correlation_id = *p.find("correlation_id")->get_if<std::string>();
    r.date_done = "2026-11-23T12:00:00+00:00";  // not in an rpc message
    r.extended = {{"name", "t"}};
    auto const sent = messages_to(r.reply_to, [&] { ASSERT_TRUE(on_->store(std::vector{r}, 1h, 5s)); });
    ASSERT_THAT(sent, SizeIs(1));
    EXPECT_EQ(sent[0].body, wire::to_json(body).value());
    EXPECT_EQ(value{sent[0].content_type}, *p.find("content_type"));
    EXPECT_EQ(value{sent[0].content_encoding}, *p.find("content_encoding"));
    EXPECT_THAT(sent[0].headers, IsEmpty());
    EXPECT_EQ(value{sent[0].properties.delivery_mode}, *p.find("delivery_mode"));
    EXPECT_EQ(value{sent[0].properties.priority.value()}, *p.find("priority"));
    EXPECT_EQ(sent[0].properties.correlation_id, r.correlation_id);
    EXPECT_EQ(sent[0].properties.reply_to, "");
    ++compared;
  }
  EXPECT_GE(compared, 7);
}

TEST_F(RpcBackend, ReadsEachMessageThatPythonSent) {
  ASSERT_TRUE(on_->expect_replies(5s));
  auto const golden = golden_messages();
  for (auto const& m : *golden.find("messages")->get_if<value::list>()) {
    auto const expected_record = wire::to_record(value{*m.find("body")}).value();
    auto const watch = on_->make_watch().value();
    watch->add({&expected_record.id, 1});
    wire::envelope e;
    e.content_type = "application/json";
    e.content_encoding = "utf-8";
    e.body = wire::to_json(*m.find("body")).value();
    e.properties.correlation_id = *m.find("properties")->find("correlation_id")->get_if<std::string>();
    publish(e, "me");
    std::vector<result_record> got;
    while (got.empty() || got.back() != expected_record) {
      got = watch->next(5s).value();
      ASSERT_THAT(got, SizeIs(1));
    }
  }
}

TEST_F(RpcBackend, DeclaresTheReplyQueueAsPythonDoesAndOnlyOnce) {
  EXPECT_THAT(transport_->made, IsEmpty()) << "before anything is sent";
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_TRUE(on_->expect_replies(5s)); });
  for (auto& t : threads) t.join();
  ASSERT_THAT(transport_->made, SizeIs(1));
  auto const& queue = transport_->made[0];
  EXPECT_EQ(queue.name, queue_name{"me"});
  EXPECT_FALSE(queue.durable);
  EXPECT_FALSE(queue.exclusive);
  EXPECT_TRUE(queue.auto_delete);
  EXPECT_EQ(queue.exchange, "");
  EXPECT_EQ(queue.arguments, (value::map{{"x-expires", 86'400'000}}));
  auto const ever = backend_of("ever", [](settings& s) { s.expires = 0s; });
  ASSERT_TRUE(ever->expect_replies(5s));
  EXPECT_THAT(transport_->made.back().arguments, IsEmpty());
}

TEST_F(RpcBackend, TriesAgainToMakeTheQueueWhenItCouldNot) {
  transport_->refuse = true;
  EXPECT_EQ(on_->expect_replies(5s).error().code, errc::unavailable);
  transport_->refuse = false;
  EXPECT_TRUE(on_->expect_replies(5s));
}

TEST_F(RpcBackend, AWorkerAnswersManySendersAndDeclaresNothing) {
  auto const worker = backend_of("worker");
  auto const other = backend_of("you");
  ASSERT_TRUE(on_->expect_replies(5s) && other->expect_replies(5s));
  auto const made = transport_->made.size();
  ASSERT_TRUE(worker->store(std::vector{record("a", "SUCCESS", 1, "me"), record("b", "SUCCESS", 2, "you"),
                                        record("c", "SUCCESS", 3, "gone"), record("d", "SUCCESS", 4, "")},
                            1h, 5s));
  EXPECT_EQ(transport_->made.size(), made);
  auto const value_at = [](result_backend& at, char const* id) {
    auto const watch = at.make_watch().value();
    watch->add(std::vector{task_id{id}});
    return watch->next(5s).value().at(0).result;
  };
  EXPECT_EQ(value_at(*on_, "a"), value{1});
  EXPECT_EQ(value_at(*other, "b"), value{2});
  EXPECT_EQ(on_->fetch(std::vector{task_id{"b"}}, 5s).value()[0].status, "PENDING");
}

TEST_F(RpcBackend, ResultsThatCameUnaskedAreThereForWhoAsksLater) {
  ASSERT_TRUE(on_->expect_replies(5s));
  ASSERT_TRUE(
      on_->store(std::vector{record("a", "STARTED"), record("a", "SUCCESS", 1), record("b", "SUCCESS", 2)}, 1h, 5s));
  for (int i = 0; i < 2; ++i) {  // and again
    auto const watch = on_->make_watch().value();
    watch->add(std::vector{task_id{"b"}});
    EXPECT_EQ(watch->next(5s).value().at(0).result, value{2});
  }
  EXPECT_EQ(on_->fetch(std::vector{task_id{"a"}}, 5s).value()[0].result, value{1});
}

TEST_F(RpcBackend, WritesItsFormAndTakesTheSettings) {
  auto const other = backend_of("x", [](settings& s) { s.serializer = "msgpack", s.persistent = true; });
  auto const sent =
      messages_to("me", [&] { ASSERT_TRUE(other->store(std::vector{record("a", "SUCCESS", 5)}, 1h, 5s)); });
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].content_type, "application/x-msgpack");
  EXPECT_EQ(sent[0].content_encoding, "binary");
  EXPECT_EQ(sent[0].properties.delivery_mode, 2);
  EXPECT_EQ(sent[0].properties.correlation_id, "a") << "the task's id where the sender gave no other";
  EXPECT_EQ(wire::decode_record(sent[0].body, "msgpack").value().result, value{5});
}

TEST_F(RpcBackend, ReadsLongerAndShorterAndCompressedRecords) {
  ASSERT_TRUE(on_->expect_replies(5s));
  auto const watch = on_->make_watch().value();
  auto const got = [&](wire::envelope e, char const* id) {
    watch->add(std::vector{task_id{id}});
    e.content_type = "application/json";
    publish(std::move(e), "me");
    return watch->next(5s).value().at(0);
  };
  wire::envelope e;
  auto full = record("a", "SUCCESS", 1);
  full.date_done = "2026-11-23T12:00:00+00:00";
  full.extended = {{"name", "t.add"}};
  e.body = wire::encode_record(full).value();
  EXPECT_EQ(got(e, "a"), full);
  e.body = R"({"task_id": "b", "status": "SUCCESS", "result": 42})";
  EXPECT_EQ(got(e, "b").result, value{42});
  e.body = R"({"status": "SUCCESS", "result": 43})";
  e.properties.correlation_id = "c";
  EXPECT_EQ(got(e, "c").result, value{43});
  e.body = wire::compress("zlib", R"({"task_id": "d", "status": "SUCCESS", "result": 44})").value();
  e.headers = {{"compression", "application/x-gzip"}};
  EXPECT_EQ(got(e, "d").result, value{44});
}

TEST_F(RpcBackend, WhatCannotBeReadIsToldToWhoWaitsAndHoldsUpNoOther) {
  log::set_sink({}, log::level::critical);
  ASSERT_TRUE(on_->expect_replies(5s));
  auto const watch = on_->make_watch().value();
  watch->add(std::vector{task_id{"a"}, task_id{"b"}, task_id{"c"}});
  wire::envelope e;
  e.content_type = "application/x-python-serialize";
  e.body = "\x80\x04";
  e.properties.correlation_id = "a";
  publish(e, "me");
  auto const pickled = watch->next(5s);
  EXPECT_EQ(pickled.error().code, errc::not_supported);
  EXPECT_THAT(pickled.error().text(), HasSubstr("task a"));
  e.content_type = "application/x-yaml";
  e.body = "status: SUCCESS";
  e.properties.correlation_id = "b";
  publish(e, "me");
  EXPECT_EQ(watch->next(5s).error().code, errc::not_accepted);
  ASSERT_TRUE(on_->store(std::vector{record("c", "SUCCESS", 1)}, 1h, 5s));
  EXPECT_THAT(watch->next(5s).value(), SizeIs(1));
  EXPECT_THAT(watch->next(deadline::never()).value(), IsEmpty());
}

TEST_F(RpcBackend, SaysWhyItCannotReadTheResultsOfOthers) {
  EXPECT_FALSE(on_->abilities().readable_by_all);
  auto const fetched = on_->fetch(std::vector{task_id{"a"}}, 5s);
  EXPECT_EQ(fetched.error().code, errc::not_supported);
  EXPECT_THAT(fetched.error().text(), HasSubstr("only to the program that sent the task"));
  auto const watch = on_->make_watch().value();
  watch->add(std::vector{task_id{"a"}});
  EXPECT_EQ(watch->next(deadline::never()).error().code, errc::not_supported) << "at once: it would wait for ever";
}

TEST_F(RpcBackend, NeedsABroker) {
  EXPECT_EQ(make_rpc_backend(at("rpc://"), 5s).error().code, errc::bad_config);
  auto const sqlite = backend_of("me", [](settings& s) {
    s.transport = [](deadline) { return expected<std::shared_ptr<broker::transport>>{fail(errc::unavailable, "no")}; };
  });
  EXPECT_EQ(sqlite->store(std::vector{record("a", "SUCCESS")}, 1h, 5s).error().code, errc::unavailable);
}

}  // namespace
}  // namespace lovage::backend
