#include "monitor/alerts.hpp"

#include "monitor/notify.hpp"
#include "monitor/test_events.hpp"
#include "monitor/why.hpp"

#include <gmock/gmock.h>

namespace lovage::monitor {
namespace {

using namespace for_tests;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Alerts, BeginOnceAndEndOnce) {
  alerts a{{.failure_rate = 0.2, .worker_lost = 30s}};
  observation const calm{.succeeded = 100, .failed = 5}, bad{.succeeded = 70, .failed = 30, .lost = {{"w1@host", 31}}};
  EXPECT_TRUE(a.step(calm, at(noon)).empty());
  auto const begun = a.step(bad, at(noon + 1));
  ASSERT_EQ(begun.size(), 2U);
  EXPECT_EQ(begun[0].id, "failure_rate");
  EXPECT_EQ(begun[1].id, "worker_lost:w1@host");
  EXPECT_TRUE(a.step(bad, at(noon + 2)).empty());
  EXPECT_EQ(a.active().size(), 2U);
  auto const over = a.step(calm, at(noon + 3));
  ASSERT_EQ(over.size(), 2U);
  EXPECT_EQ(over[0].resolved, at(noon + 3));
  EXPECT_EQ(over[0].since, at(noon + 1));
  EXPECT_TRUE(a.active().empty());
  EXPECT_EQ(a.recent().size(), 2U);
}

TEST(Alerts, FewFailuresSayNothing) {
  alerts a{{.failure_rate = 0.2, .failure_least = 10}};
  EXPECT_TRUE(a.step({.succeeded = 0, .failed = 9}, at(noon)).empty());
}

TEST(Alerts, WhatCannotBeAskedStaysAsItIs) {
  alerts a{{.backlog_age = 60s}};
  EXPECT_EQ(a.step({.oldest = {{"high", 61}}}, at(noon)).size(), 1U);
  EXPECT_TRUE(a.step({.knows_queues = false}, at(noon + 1)).empty());
  EXPECT_EQ(a.step({}, at(noon + 2)).size(), 1U);
}

TEST(Notify, NothingOfAnAlertAddsAHeader) {
  alert const a{"worker_lost:x",
                alert_kind::worker_lost,
                "x\r\nBcc: all@example.org",
                "worker x\r\nBcc: all@example.org",
                at(noon),
                std::nullopt};
  notify_settings const with{{}, "smtp://localhost", "me@example.org", {"ops@example.org"}, {}};
  auto const text = mail_text(a, with, at(noon));
  EXPECT_THAT(text.substr(0, text.find("\r\n\r\n")), Not(HasSubstr("\r\nBcc")));
  EXPECT_THAT(text, HasSubstr("Subject: =?utf-8?Q?lovage=3A_alert"));
  EXPECT_THAT(webhook_body(a, with), HasSubstr("\"state\": \"fired\""));
}

TEST(Notify, SettingsThatCannotBeNameThemselves) {
  EXPECT_EQ(check({.webhook = "ftp://x"}).error().where, "alert_webhook_url");
  EXPECT_EQ(check({.smtp = "smtp://x", .from = "nobody"}).error().where, "alert_mail_from");
  EXPECT_EQ(check({.smtp = "smtp://x", .from = "a@b"}).error().where, "alert_mail_to");
  EXPECT_TRUE(check({}));
}

TEST(Notify, AServerThatIsNotThereIsAnError) {
  alert const a{"x", alert_kind::worker_lost, "x", "x", at(noon), std::nullopt};
  notify_settings const nobody{
      .webhook = "http://127.0.0.1:1/", .smtp = "smtp://127.0.0.1:1", .from = "a@b", .to = {"c@d"}};
  for (auto const by : ways_of(nobody)) EXPECT_EQ(notify(by, a, nobody, at(noon), 2s).error().code, errc::unavailable);
  EXPECT_THAT(ways_of(nobody), ElementsAre(way::webhook, way::mail));
  EXPECT_TRUE(ways_of({}).empty());
}

worker_picture online_worker(std::int64_t slots, std::int64_t active) {
  worker_picture w;
  w.seen.name = "w1@host";
  w.seen.active = active;
  w.said.emplace();
  w.said->stats = value::map{{"pool", value::map{{"max-concurrency", slots}}}};
  w.said->active_queues = value::list{value::map{{"name", "high"}}};
  w.said->registered = value::list{"shop.add [rate_limit=10/m]", "shop.mail"};
  return w;
}

TEST(WorkerDetails, TheSlotsOfAPoolThatGrewAreThoseOfNow) {
  auto const slots = [](value pool) {
    worker_details said;
    said.stats = value::map{{"pool", std::move(pool)}};
    return said.slots();
  };
  value const pids = value::list{11, 12, 13};
  EXPECT_EQ(
      slots(value::map{
          {"implementation", "celery.concurrency.prefork:TaskPool"}, {"max-concurrency", 2}, {"processes", pids}}),
      3);
  EXPECT_EQ(slots(value::map{{"implementation", "lovage:prefork"}, {"max-concurrency", 4}, {"processes", pids}}), 4);
  EXPECT_EQ(slots(value::map{{"implementation", "celery.concurrency.thread:TaskPool"}, {"max-concurrency", 8}}), 8);
  EXPECT_EQ(worker_details{}.slots(), std::nullopt);
}

std::string code(why_facts const& of) {
  auto const r = why_not_running(of);
  return r ? r->code : "none";
}

TEST(Why, NamesWhatHoldsATaskBack) {
  why_facts f;
  f.now = at(noon);
  EXPECT_EQ(code(f), "not_known");
  f.task.emplace();
  f.task->name = "shop.add", f.task->queue = "high";
  EXPECT_EQ(code(f), "no_consumer");
  f.workers = {online_worker(2, 0)};
  EXPECT_EQ(code(f), "waiting");
  f.task->name = "shop.unknown";
  EXPECT_EQ(code(f), "not_registered");
  f.task->name = "shop.add";
  f.workers = {online_worker(2, 2)};
  EXPECT_EQ(code(f), "busy");
  f.queues.push_back({"high"});
  f.queues[0].paused = true;
  EXPECT_EQ(code(f), "paused");
  f.task->eta = at(noon + 60);
  EXPECT_EQ(code(f), "eta");
  f.task->expires = at(noon - 1);
  EXPECT_EQ(code(f), "expired");
  f.dead = "WorkerLostError";
  EXPECT_EQ(code(f), "dead");
}

TEST(Why, OfWhatAWorkerHas) {
  why_facts f;
  f.task.emplace();
  f.task->name = "shop.add", f.task->worker = "w1@host", f.task->state = state::received;
  EXPECT_EQ(code(f), "worker_lost");
  f.workers = {online_worker(2, 0)};
  EXPECT_EQ(code(f), "rate_limit");
  f.task->name = "shop.mail";
  f.workers = {online_worker(2, 2)};
  EXPECT_EQ(code(f), "busy");
  f.task->state = state::started;
  EXPECT_EQ(code(f), "running");
  f.task->state = state::success;
  EXPECT_EQ(code(f), "none");
}

}  // namespace
}  // namespace lovage::monitor
