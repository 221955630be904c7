// What the Redis backend does beyond the suite of its plug point, looked at from the server's side.
#include "backend/redis/redis_backend.hpp"
#include "redis_backend_test.hpp"
#include "wire/serializer.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using wire::result_record;

value golden(char const* name) {
  std::ifstream in{std::filesystem::path{LOVAGE_SOURCE_DIR} / "tests/golden/results-redis" / name};
  std::ostringstream text;
  text << in.rdbuf();
  return wire::from_json(text.str()).value();
}

/// Every record that Python stored as JSON text, by its id.
std::map<std::string, std::string> golden_records() {
  std::map<std::string, std::string> out;
  auto const keep = [&](value const* v) {
    auto const* text = v ? v->get_if<std::string>() : nullptr;
    if (text && !text->empty()) out.emplace(wire::decode_record(*text).value().id.str(), *text);
  };
  auto const states = golden("states.json"), extended = golden("extended.json"), options = golden("options.json");
  for (auto const& [name, r] : *states.find("results")->get_if<value::map>()) keep(r.find("value"));
  for (auto const& [name, r] : *extended.find("results")->get_if<value::map>()) keep(&r);
  for (auto const* name : {"no_expiry", "keyprefix"})
    for (auto const& [key, r] : *options.find("cases")->find(name)->find("keys")->get_if<value::map>())
      keep(r.find("value"));
  return out;
}

TEST_F(RedisBackend, ReadsEveryRecordThatPythonStored) {
  auto const records = golden_records();
  ASSERT_GT(records.size(), 15U);
  for (auto const& [id, text] : records) {
    say({"SET", "celery-task-meta-" + id, text});
    auto const got = fetch(id);
    EXPECT_EQ(got, wire::decode_record(text).value()) << text;
    EXPECT_EQ(got.ready(), got.date_done.has_value()) << text;
  }
}

TEST_F(RedisBackend, StoresByteForByteWhatPythonStored) {
  for (auto const& [id, text] : golden_records()) {
    auto record = wire::decode_record(text).value();
    record.reply_to = "elsewhere";
    store(record);
    EXPECT_EQ(say({"GET", "celery-task-meta-" + id}).text, text);
  }
}

// Celery before 5.7 adds to the parts and notes it nowhere else.
TEST_F(RedisBackend, APartThatAnOlderCeleryCountedCountsOnce) {
  ASSERT_TRUE(on_->start_chords(std::vector{chord_start{"g", 3, {}}}, 1h, 5s));
  say({"ZADD", "celery-taskset-meta-g.j", "0", R"([1, "m0", "SUCCESS", 7])"});
  auto const part = [](std::int64_t n) {
    return chord_part{"g", n, task_id{"m" + std::to_string(n)}, wire::state::success, value{n}};
  };
  auto const ends = [&](std::vector<chord_part> const& parts) {
    return on_->count_parts(parts, std::vector<value>(parts.size()), 1h, 5s).value();
  };
  EXPECT_THAT(ends({part(0), part(1)}), IsEmpty());
  EXPECT_THAT(ends({part(0)}), IsEmpty());
  auto const end = ends({part(1), part(2)});
  ASSERT_THAT(end, SizeIs(1));
  EXPECT_THAT(end[0].parts, SizeIs(3));
}

TEST_F(RedisBackend, ReadsWhatPythonKeepsForStatesThatComeAndGo) {
  struct row {
    char const* text;
    char const* state;
  };
  row const cases[] = {
      {R"({"status": "STARTED", "result": {"pid": 17051, "hostname": "w1@h"}, "traceback": null, "children": [], "date_done": null, "task_id": "t"})",
       "STARTED"},
      {R"({"status": "PROGRESS", "result": {"done": 3, "of": 7}, "traceback": null, "children": [], "date_done": null, "task_id": "t"})",
       "PROGRESS"},
      {R"({"status": "REVOKED", "result": {"exc_type": "TaskRevokedError", "exc_message": ["terminated"], "exc_module": "celery.exceptions"}, "traceback": null, "children": [], "date_done": "2026-11-23T09:58:17.464446+02:00", "task_id": "t"})",
       "REVOKED"},
      {R"({"status": "SUCCESS", "result": 5, "task_id": "t"})", "SUCCESS"},
  };
  for (auto const& c : cases) {
    say({"SET", "celery-task-meta-t", c.text});
    EXPECT_EQ(fetch("t").status, c.state);
  }
  EXPECT_EQ(fetch("ignored").status, "PENDING");
}

TEST_F(RedisBackend, StoresAndPublishesInOneStep) {
  auto const own = client_->connect(10s).value();
  redis::commands c;
  c.add({"SUBSCRIBE", "celery-task-meta-a", "celery-task-meta-b"});
  ASSERT_EQ(own->run(c, 5s).value().size(), 1U);
  (void)own->receive(5s).value();
  ASSERT_TRUE(on_->store(std::vector{record("a", "SUCCESS", 1), record("b", "STARTED")}, 90s, 5s));
  for (std::string const id : {"a", "b"}) {
    auto const push = own->receive(5s).value().value();
    EXPECT_EQ(push.items.at(1).text, "celery-task-meta-" + id);
    EXPECT_EQ(push.items.at(2).text, say({"GET", "celery-task-meta-" + id}).text);
    auto const left = say({"TTL", "celery-task-meta-" + id}).integer;
    EXPECT_TRUE(left == 90 || left == 89) << left;
  }
  ASSERT_TRUE(on_->store(std::vector{record("ever", "SUCCESS")}, 0s, 5s));
  EXPECT_EQ(say({"TTL", "celery-task-meta-ever"}).integer, -1);
}

TEST_F(RedisBackend, ABatchIsOneRoundTrip) {
  store(record("first", "SUCCESS"));  // the script is known from here on
  std::vector<result_record> batch;
  for (int i = 0; i < 500; ++i) batch.push_back(record(std::to_string(i), "SUCCESS", i));
  ASSERT_TRUE(on_->store(batch, 1h, 5s));
  EXPECT_EQ(calls_of("evalsha"), 2) << "one for the first, one for all others";
  EXPECT_EQ(calls_of("publish"), 501);
}

TEST_F(RedisBackend, ASuccessOfAnyFormIsFinal) {
  std::vector<std::string> const finals{
      R"({"status": "SUCCESS", "result": 5, "traceback": null, "children": [], "date_done": null, "task_id": "t"})",
      R"({"task_id":"t","result":5,"status":"SUCCESS"})",
      wire::to_msgpack(value::map{{"status", "SUCCESS"}, {"result", 5}}).value(),
      wire::to_msgpack(value::map{{"result", 5}, {"status", "SUCCESS"}}).value(),
      "children: []\nresult: 5\nstatus: SUCCESS\ntask_id: t\n",
      "status: SUCCESS\n",
      "result: 5\nstatus: 'SUCCESS'",
  };
  for (auto const& text : finals) {
    say({"SET", "celery-task-meta-t", text});
    store(record("t", "FAILURE"));
    EXPECT_EQ(say({"GET", "celery-task-meta-t"}).text, text);
  }
}

TEST_F(RedisBackend, WhatOnlySpeaksOfSuccessIsNot) {
  std::vector<std::string> const others{
      R"({"status": "FAILURE", "result": {"status": "SUCCESS"}, "task_id": "t"})",
      R"({"result":{"status":"SUCCESS"},"status":"FAILURE"})",
      R"({"status": "SUCCESSFUL", "result": 5})",
      wire::to_msgpack(value::map{{"result", value::map{{"status", "SUCCESS"}}}, {"status", "STARTED"}}).value(),
      "result:\n  status: SUCCESS\nstatus: STARTED\n",
      "result: 'a\n\n  status: SUCCESS'\nstatus: RETRY\n",
      "",
      "garbage",
      "\x80\x04\x95",
      "\x81\xa6",
  };
  for (auto const& text : others) {
    say({"SET", "celery-task-meta-t", text});
    store(record("t", "FAILURE", "new"));
    EXPECT_EQ(fetch("t").result, value{"new"}) << text;
  }
}

TEST_F(RedisBackend, PutsThePrefixBeforeKeysAndChannels) {
  auto const prefixed = backend_of([](settings& s) { s.connection.options = {{"global_keyprefix", "site"}}; });
  ASSERT_TRUE(prefixed->store(std::vector{record("a", "SUCCESS", 1)}, 1h, 5s));
  EXPECT_EQ(say({"EXISTS", "site_celery-task-meta-a"}).integer, 1);
  EXPECT_EQ(fetch("a").status, "PENDING") << "without the prefix";
  auto const watch = prefixed->make_watch().value();
  watch->add(std::vector{task_id{"b"}});
  wait_for_channels({"site_celery-task-meta-b"});
  ASSERT_TRUE(prefixed->store(std::vector{record("b", "SUCCESS", 2)}, 1h, 5s));
  EXPECT_EQ(watch->next(5s).value().at(0).result, value{2});
}

TEST_F(RedisBackend, WritesAndReadsTheFormOfItsSettings) {
  for (std::string const form : {"msgpack", "yaml"}) {
    auto const other = backend_of([&](settings& s) { s.serializer = form; });
    ASSERT_TRUE(other->store(std::vector{record(form, "SUCCESS", 5)}, 1h, 5s));
    EXPECT_EQ(say({"GET", "celery-task-meta-" + form}).text,
              wire::encode_record(record(form, "SUCCESS", 5), form).value());
    EXPECT_EQ(on_->fetch(std::vector{task_id{form}}, 5s).error().code, errc::not_accepted);
  }
}

TEST_F(RedisBackend, AnUnreadableRecordIsToldOnceAndHoldsUpNoOther) {
  say({"SET", "celery-task-meta-a", "{"});
  store(record("b", "SUCCESS"));
  EXPECT_THAT(on_->fetch(std::vector{task_id{"a"}}, 5s).error().text(), HasSubstr("task a"));
  auto const watch = on_->make_watch().value();
  watch->add(std::vector{task_id{"b"}, task_id{"a"}, task_id{"c"}});
  int errors = 0, records = 0;
  while (errors + records < 2) {
    auto const got = watch->next(5s);
    errors += got ? 0 : 1;
    records += got ? static_cast<int>(got->size()) : 0;
  }
  EXPECT_EQ(errors, 1);
  say({"PUBLISH", "celery-task-meta-c", "{"});
  EXPECT_THAT(watch->next(5s).error().text(), HasSubstr("task c"));
  EXPECT_THAT(watch->next(deadline::never()).value(), IsEmpty());
}

TEST_F(RedisBackend, ListsOfThousandsAreFetchedAndForgotten) {
  std::vector<result_record> all;
  std::vector<task_id> ids;
  for (int i = 0; i < 2500; ++i)
    all.push_back(record("n" + std::to_string(i), "SUCCESS", i)), ids.push_back(all.back().id);
  ASSERT_TRUE(on_->store(all, 1h, 10s));
  EXPECT_EQ(on_->fetch(ids, 10s).value(), all);
  ASSERT_TRUE(on_->forget(ids, 10s));
  EXPECT_EQ(say({"DBSIZE"}).integer, 0);
  EXPECT_TRUE(on_->forget({}, 10s));
  EXPECT_THAT(on_->fetch({}, 10s).value(), IsEmpty());
  EXPECT_TRUE(on_->store({}, 1h, 10s));
}

TEST(RedisBackendSettings, ThatCannotWorkAreRefusedBeforeAnythingIsSent) {
  auto const refused = [](settings with) { return make_redis_backend(std::move(with), 1s).error(); };
  EXPECT_EQ(refused(at("redis://h/x")).code, errc::bad_config);
  EXPECT_EQ(refused(at("sentinel://h")).code, errc::bad_config);
  auto with = at("redis://h");
  with.serializer = "pickle";
  EXPECT_EQ(refused(with).code, errc::bad_config);
  with = at("redis://h");
  with.connection.options = {{"global_keyprefix", 1}};
  EXPECT_EQ(refused(with).code, errc::bad_config);
}

}  // namespace
}  // namespace lovage::backend
