// The whole of it but the sockets, before a worker on a broker in memory.
#include "web/dashboard.hpp"

#include "core/ids.hpp"
#include "eventually.hpp"
#include "web/openapi.hpp"

#include <lovage/app.hpp>
#include <lovage/json.hpp>
#include <lovage/worker.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <thread>

namespace lovage::web {
namespace {

using namespace std::chrono_literals;
using lovage::testing::eventually;
namespace fs = std::filesystem;

constexpr char const* hostile = "<img src=x onerror=alert(1)>\"'</script>";
inline constexpr lovage::task<int(int, int)> sum{"web.sum", {"x", "y"}};
inline constexpr lovage::task<int(std::vector<int>)> total{"web.total", {"xs"}};
inline constexpr lovage::task<std::string(std::string)> broken{"web.broken", {"why"}};

class Dashboard : public ::testing::Test {
 protected:
  Dashboard() : folder{fs::temp_directory_path() / ("lovage-web-" + random_uuid().str())} {
    fs::create_directories(folder);
    auto const place = "memory://" + random_uuid().str();
    with.broker_url(place).result_backend(place).web_port(0).web_history_path(folder / "history.db");
    with.beat_store_url("memory://" + random_uuid().str()).result_extended(true).task_send_sent_event(true);
  }
  ~Dashboard() override {
    d.reset();
    fs::remove_all(folder);
  }
  void open() {
    on.emplace(with);
    on->tasks().define(sum, [](int x, int y) { return x + y; });
    on->tasks().define(total, [](std::vector<int> const& xs) { return std::accumulate(xs.begin(), xs.end(), 0); });
    on->tasks().define(broken, [](std::string const& why) -> std::string { throw std::runtime_error{why}; });
    auto settings = web_settings::of(on->settings()).value();
    settings.assets = folder;
    auto watch = monitor::monitor_settings::of(on->settings()).value();
    watch.ask_every = std::chrono::hours{1};
    d.emplace(*on, std::move(settings), std::move(watch));
    d->start().value();
  }
  response ask(std::string method, std::string const& path, std::optional<value> body = {}) {
    request r;
    r.method = std::move(method);
    auto const question = path.find('?');
    r.raw_path = path.substr(0, question);
    r.path = percent_decoded(r.raw_path);
    if (question != std::string::npos) r.query = decode_form(std::string_view{path}.substr(question + 1));
    r.peer = "127.0.0.1";
    r.headers.add("host", "localhost:5555");
    if (!csrf.empty()) r.headers.add("x-csrf-token", csrf);
    if (body) {
      r.body = to_json(*body);
      r.headers.add("content-type", "application/json");
    }
    return d->answer(std::move(r));
  }
  value get(std::string const& path) {
    auto const r = ask("GET", path);
    EXPECT_EQ(r.status, 200) << path << " " << r.body;
    return from_json(r.body);
  }
  response post(std::string const& path, value::map body = {}) {
    csrf = *get("/api/v1/session").find("csrf")->get_if<std::string>();
    return ask("POST", path, std::move(body));
  }
  static std::size_t size_of(value const& v, char const* key) {
    auto const* at = v.find(key);
    return at && at->is<value::list>() ? at->get_if<value::list>()->size() : 0;
  }
  /// By its events: the result backend knows earlier.
  std::string state_of(std::string const& id) {
    auto const r = ask("GET", "/api/v1/tasks/" + id);
    if (r.status != 200) return "?";
    auto const v = from_json(r.body);
    if (size_of(v, "timeline") == 0) return "?";
    return *v.find("task")->find("state")->get_if<std::string>();
  }

  fs::path const folder;
  config with;
  std::optional<app> on;
  std::optional<dashboard> d;
  std::string csrf;
};

/// With a worker that tells what it does.
class DashboardAtWork : public Dashboard {
 protected:
  DashboardAtWork() {
    open();
    worker.emplace(*on, worker_options{}
                            .pool(pool_kind::threads)
                            .concurrency(2)
                            .hostname("w1@here")
                            .handle_signals(false)
                            .task_events(true));
    thread = std::thread{[this] { worker->run(); }};
    EXPECT_TRUE(worker->wait_ready(deadline::in(20s)));
    EXPECT_TRUE(eventually([&] { return size_of(get("/api/v1/workers"), "workers") == 1; }));
  }
  ~DashboardAtWork() override {
    worker->stop();
    thread.join();
  }
  std::string sent(value::map body) {
    auto const r = post("/api/v1/tasks/send", std::move(body));
    EXPECT_EQ(r.status, 201) << r.body;
    return *from_json(r.body).find("id")->get_if<std::string>();
  }
  std::string failed(std::string const& why) {
    auto const id = sent({{"name", "web.broken"}, {"args", value::list{why}}});
    EXPECT_TRUE(eventually([&] { return state_of(id) == "FAILURE"; }));
    return id;
  }

  std::optional<lovage::worker> worker;
  std::thread thread;
};

TEST_F(Dashboard, EveryAnswerKeepsScriptsAndFramesOut) {
  open();
  for (char const* path : {"/", "/api/v1/session", "/api/nothing", "/openapi.json", "/metrics"}) {
    auto const r = ask("GET", path);
    auto const policy = std::string{r.headers.get("Content-Security-Policy")};
    EXPECT_NE(policy.find("default-src 'none'"), std::string::npos) << path;
    EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos) << path;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << path;
    EXPECT_EQ(r.headers.get("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(r.headers.find("Access-Control-Allow-Origin"), nullptr) << path;
  }
}

TEST_F(Dashboard, EachRouteIsDescribedAndEachDescribedPathAnswers) {
  open();
  auto const described = get("/openapi.json");
  auto const* paths = described.find("paths")->get_if<value::map>();
  std::size_t operations = 0;
  for (auto const& [path, methods] : *paths) {
    for (auto const& m : *methods.get_if<value::map>()) {
      ++operations;
      EXPECT_FALSE(m.val.find("summary")->get_if<std::string>()->empty()) << path;
      if (m.key != "get" || path == "/api/v1/live") continue;
      auto real = path;
      for (auto at = real.find('{'); at != std::string::npos; at = real.find('{'))
        real.replace(at, real.find('}') - at + 1, "x");
      auto const status = ask("GET", real).status;
      bool const names_something = path.find('{') != std::string::npos;
      EXPECT_TRUE(status == 200 || (names_something && status == 404)) << path << " " << status;
    }
  }
  EXPECT_EQ(operations, d->routes().size());
}

// LOVAGE_TEST_WRITE_DOCS=1 writes the file anew.
TEST_F(Dashboard, TheDescriptionInTheDocsIsThatOfTheRoutes) {
  with.web_auth_oidc_issuer("https://login.example.org").web_auth_oidc_client_id("lovage");
  with.web_public_url("https://jobs.example.org").web_auth_allowed({"*"});
  open();
  auto const text = openapi_text(d->routes());
  fs::path const file = "docs/reference/openapi.json";
  if (std::getenv("LOVAGE_TEST_WRITE_DOCS")) std::ofstream{file} << text;
  std::ostringstream kept;
  kept << std::ifstream{file}.rdbuf();
  EXPECT_EQ(kept.str(), text) << "run web_test with LOVAGE_TEST_WRITE_DOCS=1 in the source folder";
  EXPECT_EQ(from_json(text), openapi_of(d->routes()));
}

TEST_F(Dashboard, PathsOfThePagesAreTheFrontEnds) {
  open();
  EXPECT_EQ(ask("GET", "/tasks").status, 404) << "no front end yet";
  std::ofstream{folder / "index.html"} << "<!doctype html>";
  fs::create_directories(folder / "assets");
  std::ofstream{folder / "assets/main-1A2B3C4D.js"} << "let x";
  for (char const* path : {"/", "/tasks/1.2.3", "/workers/w1%40host.example.org"}) {
    auto const r = ask("GET", path);
    EXPECT_EQ(r.status, 200) << path;
    EXPECT_EQ(r.type, "text/html; charset=utf-8");
    EXPECT_EQ(r.headers.get("Cache-Control"), "no-cache");
  }
  auto const script = ask("GET", "/assets/main-1A2B3C4D.js");
  EXPECT_EQ(script.type, "text/javascript; charset=utf-8");
  EXPECT_NE(script.headers.get("Cache-Control").find("immutable"), std::string::npos);
  EXPECT_EQ(ask("GET", "/assets/gone-1A2B3C4D.js").status, 404);
  EXPECT_EQ(ask("GET", "/assets/..%2f..%2fetc/passwd").status, 404);
  EXPECT_EQ(ask("POST", "/tasks").status, 405);
  EXPECT_EQ(ask("DELETE", "/api/v1/tasks").status, 405);
  EXPECT_EQ(ask("GET", "/api/v1/nothing").status, 404);
}

TEST_F(Dashboard, StrangersLearnHowToLogInAndNothingMore) {
  with.web_auth_users({"ci:viewer:sha256$00"});
  open();
  auto const r = ask("GET", "/api/v1/session");
  EXPECT_EQ(r.status, 401);
  auto const v = from_json(r.body);
  EXPECT_EQ(*v.find("auth"), (value{value::list{"token"}}));
  EXPECT_EQ(v.find("broker"), nullptr);
  for (auto const& each : d->routes()) {
    if (each.access == access::open || each.pattern.find('{') != std::string::npos) continue;
    EXPECT_EQ(ask(each.method, each.pattern).status, 401) << each.pattern;
  }
}

TEST_F(Dashboard, ActionsNeedTheTokenAndAreKept) {
  open();
  EXPECT_EQ(ask("POST", "/api/v1/queues/celery/purge", value::map{}).status, 403);
  EXPECT_EQ(post("/api/v1/queues/celery/purge").status, 200);
  auto const entries = get("/api/v1/audit");
  ASSERT_EQ(size_of(entries, "entries"), 2U);
  auto const& newest = entries.find("entries")->get_if<value::list>()->front();
  EXPECT_EQ(*newest.find("action"), value{"POST purge"});
  EXPECT_EQ(*newest.find("outcome"), value{"done"});
}

TEST_F(Dashboard, SettingsAreShownWithoutSecrets) {
  with.web_auth_secret("0123456789012345678901234567890123456789").alert_smtp_url("smtp://me:hunter2@mail.example");
  with.alert_mail_from("lovage@mail.example").alert_mail_to({"ops@mail.example"});
  open();
  auto const body = ask("GET", "/api/v1/settings").body;
  EXPECT_EQ(body.find("0123456789012345"), std::string::npos);
  EXPECT_EQ(body.find("hunter2"), std::string::npos);
  EXPECT_NE(body.find("web_auth_secret"), std::string::npos);
}

TEST_F(Dashboard, AQueueIsPausedAndTheErrorOfNoneIsOurs) {
  open();
  auto const r = post("/api/v1/queues/celery/explode");
  EXPECT_EQ(r.status, 404);
  EXPECT_NE(r.body.find("pause, resume and purge"), std::string::npos);
}

TEST_F(Dashboard, TheScheduleIsChangedFromAPage) {
  open();
  EXPECT_EQ(post("/api/v1/schedule",
                 {{"name", "n/1"}, {"schedule", "every 1h"}, {"task", "web.sum"}, {"args", value::list{1, 2}}})
                .status,
            201);
  EXPECT_EQ(post("/api/v1/schedule", {{"name", "n/1"}, {"schedule", "every 1h"}, {"task", "web.sum"}}).status, 409);
  EXPECT_EQ(post("/api/v1/schedule", {{"name", "x"}, {"schedule", "now and then"}, {"task", "web.sum"}}).status, 400);
  EXPECT_EQ(post("/api/v1/schedule/n%2F1/pause").status, 200);
  auto const listed = get("/api/v1/schedule");
  auto const* entry = &listed.find("entries")->get_if<value::list>()->front();
  EXPECT_EQ(*entry->find("enabled"), value{false});
  EXPECT_EQ(ask("PATCH", "/api/v1/schedule/n%2F1", value::map{{"schedule", "every 2h"}}).status, 200);
  EXPECT_EQ(post("/api/v1/schedule/n%2F1/run").status, 201);
  EXPECT_EQ(ask("GET", "/api/v1/tasks?periodic=n%2F1").status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/tasks?periodic=n%2F1&name=other").status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/tasks?periodic=none").status, 404);
  EXPECT_EQ(size_of(get("/api/v1/schedule/heat"), "per_minute"), 1440U);
  EXPECT_EQ(post("/api/v1/schedule/n%2F1/remove").status, 200);
  EXPECT_EQ(post("/api/v1/schedule/n%2F1/remove").status, 404);
}

TEST_F(DashboardAtWork, ATaskIsSentSeenAndFound) {
  auto const id = sent({{"name", "web.sum"}, {"args", value::list{2, 3}}});
  ASSERT_TRUE(eventually([&] { return state_of(id) == "SUCCESS"; }));
  auto const v = get("/api/v1/tasks/" + id);
  EXPECT_EQ(*v.find("stored")->find("result"), value{5});
  EXPECT_GE(size_of(v, "timeline"), 2U);
  EXPECT_EQ(*get("/api/v1/tasks?name=web.sum&state=SUCCESS").find("total"), value{1});
  EXPECT_EQ(*get("/api/v1/tasks?name=web.sum&state=FAILURE").find("total"), value{0});
  EXPECT_EQ(ask("GET", "/api/v1/tasks?order=sideways").status, 400);
}

TEST_F(DashboardAtWork, HostileTextsStayText) {
  auto const id = failed(hostile);
  auto const r = ask("GET", "/api/v1/tasks/" + id);
  EXPECT_EQ(r.type, "application/json");
  auto const v = from_json(r.body);
  EXPECT_NE(v.find("task")->find("exception")->get_if<std::string>()->find("<img src=x onerror=alert(1)>"),
            std::string::npos);
  EXPECT_EQ(ask("GET", "/api/v1/failures").type, "application/json");
}

TEST_F(DashboardAtWork, AFailedTaskIsTriedAgainUnderAnotherId) {
  auto const id = failed("once");
  auto const r = post("/api/v1/tasks/actions", {{"action", "retry"}, {"ids", value::list{id}}});
  EXPECT_EQ(*from_json(r.body).find("done"), value{1}) << r.body;
  EXPECT_TRUE(eventually([&] { return *get("/api/v1/tasks?name=web.broken").find("total") == value{2}; }));
}

TEST_F(DashboardAtWork, AllThatMatchAreActedOn) {
  for (int i = 0; i < 3; ++i) (void)failed("each");
  auto const r = post("/api/v1/tasks/actions", {{"action", "delete"}, {"matching", value::map{{"state", "FAILURE"}}}});
  EXPECT_EQ(*from_json(r.body).find("done"), value{3}) << r.body;
  EXPECT_EQ(*get("/api/v1/tasks").find("total"), value{0});
  EXPECT_EQ(post("/api/v1/tasks/actions", {{"action", "delete"}, {"matching", value::map{{"stat", "X"}}}}).status, 400)
      << "what is misspelt does not match everything";
  EXPECT_EQ(post("/api/v1/tasks/actions", {{"action", "delete"}}).status, 400);
}

TEST_F(DashboardAtWork, WhatIsOverIsNotRevoked) {
  auto const over = failed("over");
  auto const waits = sent({{"name", "web.sum"}, {"args", value::list{1, 2}}, {"countdown", 3600}});
  EXPECT_TRUE(eventually([&] { return state_of(waits) == "PENDING"; }));
  auto const told = R"({"done": 1, "total": 2, "skipped": 1, "failed": []})";
  EXPECT_EQ(post("/api/v1/tasks/actions", {{"action", "revoke"}, {"matching", value::map{}}}).body, told);
  EXPECT_EQ(post("/api/v1/tasks/actions", {{"action", "revoke"}, {"ids", value::list{over, waits}}}).body, told);
}

TEST_F(DashboardAtWork, ATaskThatIsOnlyInTheResultBackendHasItsName) {
  auto const id = sent({{"name", "web.sum"}, {"args", value::list{1, 2}}});
  EXPECT_TRUE(eventually([&] { return state_of(id) == "SUCCESS"; }));
  post("/api/v1/tasks/actions", {{"action", "delete"}, {"ids", value::list{id}}});
  auto const known = get("/api/v1/tasks/" + id);
  EXPECT_EQ(*known.find("task")->find("name"), value{"web.sum"});
  EXPECT_EQ(*known.find("task")->find("worker"), value{"w1@here"});
  EXPECT_EQ(*known.find("stored")->find("result"), value{3});
}

TEST_F(DashboardAtWork, FlowersPathsAreKeptAsWhatWasDone) {
  EXPECT_EQ(post("/api/worker/pool/grow/w1%40here?n=1").status, 200);
  auto const audit = get("/api/v1/audit");
  auto const& newest = audit.find("entries")->get_if<value::list>()->front();
  EXPECT_EQ(*newest.find("action"), value{"POST grow"});
  EXPECT_EQ(*newest.find("target"), value{"/api/worker/pool/grow/w1@here"});
}

TEST_F(DashboardAtWork, ARefusalNamesTheSetting) {
  auto const told = post("/api/v1/workers/w1%40here/restart");
  EXPECT_NE(told.body.find("Pool restarts not enabled"), std::string::npos) << told.body;
  EXPECT_NE(told.body.find("worker_pool_restarts"), std::string::npos) << told.body;
}

TEST_F(DashboardAtWork, AChordIsDrawnWithItsGroup) {
  auto const flow = lovage::group(sum.s(1, 1), sum.s(2, 2)) | total.s();
  auto const sent_flow = on->send(flow);
  EXPECT_EQ(sent_flow.get(20s), 6);
  auto const body = sent_flow.id().str();
  EXPECT_TRUE(eventually([&] { return state_of(body) == "SUCCESS"; }));
  auto const drawn = get("/api/v1/tasks/" + body + "/graph");
  std::size_t groups = 0, into_body = 0;
  for (auto const& n : *drawn.find("nodes")->get_if<value::list>())
    if (*n.find("kind") == value{"group"}) groups += *n.find("count") == value{2};
  for (auto const& e : *drawn.find("edges")->get_if<value::list>())
    into_body += e.get_if<value::list>()->at(1) == value{body};
  EXPECT_EQ(groups, 1U) << to_json(drawn);
  EXPECT_EQ(into_body, 2U) << to_json(drawn);
}

TEST_F(DashboardAtWork, AWorkerThatComesIsAskedWithoutWaitingForTheRound) {
  EXPECT_TRUE(eventually([&] {
    auto const all = get("/api/v1/workers");
    return size_of(all.find("workers")->get_if<value::list>()->at(0), "queues") == 1;
  }));
}

TEST_F(DashboardAtWork, AWorkerIsAskedAndTold) {
  auto const v = get("/api/v1/workers/w1%40here");
  EXPECT_GE(size_of(v, "registered"), 2U);
  auto const grown = from_json(post("/api/v1/workers/w1%40here/grow", {{"n", 1}}).body);
  EXPECT_EQ(*grown.find("ok"), value{true});
  EXPECT_EQ(post("/api/v1/workers/w1%40here/dance").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/workers/nobody").status, 404);
}

TEST_F(DashboardAtWork, MetricsBearFlowersNames) {
  (void)failed("x");
  EXPECT_TRUE(eventually([&] {
    return ask("GET", "/metrics")
               .body.find("flower_events_total{task=\"web.broken\",worker=\"w1@here\",type=\"task-failed\"} 1") !=
           std::string::npos;
  }));
  EXPECT_NE(ask("GET", "/metrics").body.find("flower_worker_online{worker=\"w1@here\"} 1"), std::string::npos);
}

}  // namespace
}  // namespace lovage::web
