#include "monitor/history.hpp"

#include "monitor/test_events.hpp"
#include "store/database.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

namespace lovage::monitor {
namespace {

using namespace for_tests;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class History : public ::testing::Test {
 protected:
  History() { reopen(); }

  void reopen() {
    kept.reset();
    kept = history::open({place.file("h.db"), [this] { return now; }}, 5s).value();
  }
  void add(std::vector<wire::event> const& events) { ASSERT_TRUE(kept->add(events, 5s)); }
  std::vector<std::string> found(task_filter const& which, task_order order = task_order::newest) {
    std::vector<std::string> out;
    for (auto const& t : kept->find(which, order, 50, {}, 5s).value().tasks) out.push_back(t.id);
    return out;
  }
  std::vector<std::string> with_text(std::string const& text) { return found({.text = text}); }
  void run(std::string const& id, double when, double runtime, std::string const& name = "shop.add") {
    add({received(id, when, name), started(id, when + 1), succeeded(id, when + 2, runtime)});
  }

  folder place;
  time_point now = at(noon + 100);
  std::unique_ptr<history> kept;
};

TEST_F(History, KeepsATaskOverARestart) {
  auto const id = std::string{"6f1c2d3e-0000-4000-8000-123456789abc"};
  add({received(id, noon)});
  add({started(id, noon + 1), failed(id, noon + 2, "ValueError('no such user 17')")});
  reopen();
  auto const t = kept->task(id, 5s).value().value();
  EXPECT_EQ(t.id, id);
  EXPECT_EQ(t.state, state::failure);
  EXPECT_EQ(t.args, "(2, 3)");
  EXPECT_EQ(t.exception, "ValueError('no such user 17')");
  EXPECT_EQ(t.failed, at(noon + 2));
  EXPECT_EQ(t.error_group.size(), 16U);
  std::vector<std::string> what;
  for (auto const& s : kept->timeline(id, 5s).value()) what.push_back(s.what);
  EXPECT_THAT(what, ElementsAre("received", "started", "failed"));
  EXPECT_FALSE(kept->task("nobody", 5s).value());
}

TEST_F(History, FoldsIntoWhatAnEarlierRunKept) {
  add({succeeded("a", noon + 2)});
  reopen();
  add({started("a", noon + 1), received("a", noon)});
  auto const t = kept->task("a", 5s).value().value();
  EXPECT_EQ(t.state, state::success);
  EXPECT_EQ(t.name, "shop.add");
  EXPECT_EQ(kept->size(5s).value().tasks, 1U);
  EXPECT_THAT(with_text("shop.add"), ElementsAre("a"));
}

TEST_F(History, FiltersByEachColumn) {
  run("a", noon, 1);
  add({received("b", noon + 5, "shop.mail", "('x',)", "w2@host")});
  add({task_event("sent", "c", noon + 7,
                  {{"name", "shop.mail"}, {"queue", "high"}, {"root_id", "a"}, {"parent_id", "a"}})});
  EXPECT_THAT(found({.states = {"SUCCESS"}}), ElementsAre("a"));
  EXPECT_THAT(found({.states = {"RECEIVED", "PENDING"}}), ElementsAre("c", "b"));
  EXPECT_THAT(found({.name = "shop.mail"}), ElementsAre("c", "b"));
  EXPECT_THAT(found({.name = "shop.*"}), ElementsAre("c", "b", "a"));
  EXPECT_THAT(found({.name = "shop"}), ElementsAre());
  EXPECT_THAT(found({.worker = "w2@host"}), ElementsAre("b"));
  EXPECT_THAT(found({.queue = "high"}), ElementsAre("c"));
  EXPECT_THAT(found({.root = "a"}), ElementsAre("c", "a"));
  EXPECT_THAT(found({.ids = {"a", "b", "z"}}), ElementsAre("b", "a"));
  EXPECT_THAT(found({.from = at(noon + 5), .to = at(noon + 7)}), ElementsAre("b"));
  EXPECT_EQ(kept->children("a", 5s).value().at(0).id, "c");
  EXPECT_EQ(kept->workflow("a", 5s).value().size(), 2U);
}

TEST_F(History, KnowsAWorkflowByRootsAndGroups) {
  auto const member = [](std::string const& id, std::string const& group, std::string const& body) {
    return task_event("received", id, noon, {{"name", "shop.part"}, {"group_id", group}, {"chord", body}});
  };
  add({member("h1", "g", "z"), member("h2", "g", "z"), member("other", "g2", "y")});
  add({task_event("received", "z", noon + 1, {{"name", "shop.total"}, {"root_id", "h2"}, {"parent_id", "h2"}}),
       task_event("received", "late", noon + 2, {{"name", "shop.mail"}, {"root_id", "h1"}, {"parent_id", "h1"}})});
  reopen();
  for (auto const* from : {"h1", "h2", "z", "late"}) {
    std::vector<std::string> ids;
    for (auto const& t : kept->workflow(from, 5s).value()) ids.push_back(t.id);
    EXPECT_THAT(ids, UnorderedElementsAre("h1", "h2", "z", "late")) << from;
  }
  EXPECT_THAT(found({.group = "g"}), UnorderedElementsAre("h1", "h2"));
  EXPECT_EQ(kept->task("h1", 5s).value()->chord, "z");
  EXPECT_TRUE(kept->workflow("nobody", 5s).value().empty());
}

worker_record seen(std::string name, double heard) {
  worker_record w;
  w.name = std::move(name), w.heard = at(heard);
  return w;
}

TEST_F(History, TakesOverAFileOfTheFirstVersion) {
  run("a", noon, 1);
  kept.reset();
  {
    store::database old{place.file("h.db"), {}, 5s};
    old.exec(
        "DROP INDEX by_group; ALTER TABLE task DROP COLUMN grp; ALTER TABLE body DROP COLUMN chord; "
        "ALTER TABLE body DROP COLUMN stamps; DROP TABLE seen_worker; PRAGMA user_version = 1");
  }
  reopen();
  add({task_event("received", "b", noon,
                  {{"group_id", "g"}, {"stamps", value::map{{"tenant", value::list{"acme"}}}}})});
  EXPECT_EQ(kept->task("a", 5s).value()->state, state::success);
  EXPECT_THAT(found({.group = "g"}), ElementsAre("b"));
  EXPECT_EQ(kept->task("b", 5s).value()->stamps, R"({"tenant": ["acme"]})");
  EXPECT_TRUE(kept->keep_workers(std::vector{seen("w1@host", noon)}, 5s));
}

TEST_F(History, SearchesTexts) {
  add({received("a", noon, "shop.add", "('blue cheese',)"), failed("a", noon + 1, "TimeoutError('no answer')")});
  add({received("b", noon + 2, "shop.mail", "('red wine',)"), succeeded("b", noon + 3, 1, "'sent to 订单已发货 now'")});
  EXPECT_THAT(with_text("cheese"), ElementsAre("a"));
  EXPECT_THAT(with_text("cheese TIMEOUTERROR"), ElementsAre("a"));
  EXPECT_THAT(with_text("\"blue cheese\""), ElementsAre("a"));
  EXPECT_THAT(with_text("\"cheese blue\""), ElementsAre());
  EXPECT_THAT(with_text("chee*"), ElementsAre("a"));
  EXPECT_THAT(with_text("shop.mail"), ElementsAre("b"));
  EXPECT_THAT(with_text("已发"), ElementsAre("b"));
  EXPECT_THAT(with_text("发已"), ElementsAre());
  EXPECT_THAT(with_text("n1"), ElementsAre()) << "what the index knows besides texts is not found";
  EXPECT_THAT(with_text("\"; DROP TABLE task; --"), ElementsAre());
  EXPECT_THAT(with_text("'"), ElementsAre());
  EXPECT_THAT(found({.states = {"FAILURE"}, .text = "shop"}), ElementsAre("a"));
  EXPECT_THAT(found({.states = {"RECEIVED"}, .text = "shop"}), ElementsAre());
  EXPECT_THAT(found({.name = "shop.mail", .text = "shop"}, task_order::slowest), ElementsAre("b"));
}

TEST_F(History, TheIndexOfTextsFollowsTheTask) {
  add({received("a", noon, "shop.add", "('early',)")});
  EXPECT_THAT(with_text("early"), ElementsAre("a"));
  add({failed("a", noon + 1, "ValueError('first')")});
  add({received("a", noon + 10, "shop.add", "('late',)"), failed("a", noon + 11, "ValueError('second')")});
  EXPECT_THAT(with_text("first"), ElementsAre());
  EXPECT_THAT(with_text("second late"), ElementsAre("a"));
  EXPECT_THAT(with_text("early"), ElementsAre());
}

TEST_F(History, OrdersByTimeDurationAndName) {
  run("a", noon, 3, "shop.b");
  run("b", noon + 10, 1, "shop.c");
  run("c", noon + 20, 2, "shop.a");
  add({received("d", noon + 30, "shop.b")});
  EXPECT_THAT(found({}), ElementsAre("d", "c", "b", "a"));
  EXPECT_THAT(found({}, task_order::oldest), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(found({}, task_order::slowest), ElementsAre("a", "c", "b", "d"));
  EXPECT_THAT(found({}, task_order::fastest), ElementsAre("b", "c", "a", "d"));
  EXPECT_THAT(found({}, task_order::by_name), ElementsAre("c", "d", "a", "b"));
}

TEST_F(History, PagesMeetWithoutGapInEachOrder) {
  for (int i = 0; i < 23; ++i) {
    auto const id = "t" + std::to_string(i), name = "shop." + std::string(1, static_cast<char>('a' + i % 3));
    if (i % 4 == 0)
      add({received(id, noon + i % 5, name)});
    else
      run(id, noon + i % 5, i % 6, name);
  }
  for (auto const& which : {task_filter{}, task_filter{.name = "shop.*"}, task_filter{.text = "shop"}})
    for (auto const order :
         {task_order::newest, task_order::oldest, task_order::slowest, task_order::fastest, task_order::by_name}) {
      std::vector<std::string> all;
      for (std::string cursor;;) {
        auto const page = kept->find(which, order, 4, cursor, 5s).value();
        EXPECT_EQ(page.total, 23U);
        EXPECT_FALSE(page.at_least);
        for (auto const& t : page.tasks) all.push_back(t.id);
        if ((cursor = page.next).empty()) break;
      }
      EXPECT_EQ(all, found(which, order)) << static_cast<int>(order);
      EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 23U);
    }
  EXPECT_EQ(kept->find({}, task_order::newest, 4, "x", 5s).error().code, errc::invalid_argument);
}

TEST_F(History, GroupsFailures) {
  for (int i = 0; i < 3; ++i) {
    auto const id = "t" + std::to_string(i);
    add({received(id, noon + i), failed(id, noon + i, "KeyError('user " + std::to_string(i) + "')")});
  }
  add({received("x", noon), failed("x", noon, "ValueError('no')")});
  auto const groups = kept->failures(at(noon - 60), 5s).value();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].count, 3U);
  EXPECT_EQ(groups[0].type, "KeyError");
  EXPECT_EQ(groups[0].text, "user <n>");
  EXPECT_EQ(groups[0].example, "t2");
  EXPECT_THAT(groups[0].workers, ElementsAre("w1@host"));
  EXPECT_EQ(found({.error_group = groups[0].id}).size(), 3U);
  EXPECT_TRUE(kept->failures(at(noon + 60), 5s).value().empty());
}

TEST_F(History, ForgetsByAge) {
  run("a", noon, 1), run("b", noon + 50, 1);
  now = at(noon + 3600 * 5);
  run("c", noon + 3600 * 5 - 10, 1);
  while (kept->prune({.age = 4h, .bytes = 0}, 5s).value()) {
  }
  EXPECT_THAT(found({}), ElementsAre("c"));
  EXPECT_THAT(with_text("shop"), ElementsAre("c"));
  add({started("a", noon + 3600 * 5)});
  EXPECT_THAT(found({.ids = {"a"}}), ElementsAre("a"));
}

TEST_F(History, ForgetsBySize) {
  for (int i = 0; i < 1'500; ++i)
    add({received("t" + std::to_string(i), noon + i * 0.01, "shop.add", std::string(2'000, 'x'))});
  while (kept->prune({.age = 0h, .bytes = 2'000'000}, 5s).value()) {
  }
  auto const left = kept->size(5s).value();
  EXPECT_GT(left.tasks, 100U);
  EXPECT_LT(left.tasks, 900U);
  EXPECT_EQ(found({}).front(), "t1499");
}

TEST_F(History, RemovesWhatMatches) {
  run("a", noon, 1), run("b", noon + 1, 1, "shop.mail");
  EXPECT_EQ(kept->remove(task_filter{.name = "shop.mail"}, 5s).value(), 1U);
  EXPECT_EQ(kept->remove(std::vector<std::string>{"a", "z"}, 5s).value(), 1U);
  EXPECT_TRUE(found({}).empty());
  EXPECT_TRUE(with_text("shop").empty());
}

TEST_F(History, KeepsMinutesAndAudit) {
  minute m;
  m.begin = at(noon);
  m.n.succeeded = 7;
  m.took.run.add(0.5);
  m.backlog["high"] = 12;
  kept->add_minutes(std::vector{m}, 5s).value();
  reopen();
  auto const back = kept->minutes(at(noon), at(noon + 60), 5s).value();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].n, m.n);
  EXPECT_EQ(back[0].took.run, m.took.run);
  EXPECT_EQ(back[0].backlog, m.backlog);
  kept->note({at(noon), "ann", "purge", "high", "done"}, 5s).value();
  EXPECT_EQ(kept->audit(10, 5s).value().at(0).user, "ann");
}

TEST_F(History, KeepsWorkersOverARestart) {
  auto w = seen("w1@host", noon);
  w.software = "lovage", w.version = "1.0", w.system = "Linux";
  w.pid = 17, w.processed = 5, w.interval = 10, w.since = at(noon - 60), w.heartbeat = at(noon - 1);
  w.received = 3;
  kept->keep_workers(std::vector{w, seen("w0@host", noon - 3600 * 3)}, 5s).value();
  w.processed = 6;
  kept->keep_workers(std::vector{w}, 5s).value();
  reopen();
  auto const back = kept->seen_workers(5s).value();
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].name, "w0@host");
  EXPECT_EQ(back[1].state, worker_state::offline);
  EXPECT_EQ(std::tie(back[1].software, back[1].version, back[1].system), std::tie(w.software, w.version, w.system));
  EXPECT_EQ(std::tie(back[1].pid, back[1].processed, back[1].interval), std::tie(w.pid, w.processed, w.interval));
  EXPECT_EQ(std::tie(back[1].heard, back[1].since, back[1].heartbeat), std::tie(w.heard, w.since, w.heartbeat));
  EXPECT_EQ(back[1].received, 0U);
  while (kept->prune({.age = 2h, .bytes = 0}, 5s).value()) {
  }
  EXPECT_EQ(kept->seen_workers(5s).value().size(), 1U);
}

TEST_F(History, KeepsTheThousandWorkersThatWereHeardLast) {
  std::vector<worker_record> all;
  for (int i = 0; i < 1'010; ++i) all.push_back(seen("w" + std::to_string(i), noon + i));
  kept->keep_workers(all, 5s).value();
  auto const back = kept->seen_workers(5s).value();
  EXPECT_EQ(back.size(), 1'000U);
  EXPECT_TRUE(std::none_of(back.begin(), back.end(), [](auto const& w) { return w.name == "w9"; }));
}

TEST_F(History, RefusesAFileOfSomethingElse) {
  auto const error = [&](std::string const& path) { return history::open({path}, 1s).error(); };
  std::ofstream{place.file("text")} << std::string(5'000, 'x');
  EXPECT_EQ(error(place.file("text")).code, errc::unavailable);
  {
    store::database other{place.file("other.db"), {}, 1s};
    other.exec("CREATE TABLE theirs(x)");
  }
  EXPECT_THAT(error(place.file("other.db")).text(), ::testing::HasSubstr("web_history_path"));
  {
    store::database newer{place.file("h.db"), {}, 1s};
    newer.exec("PRAGMA user_version = 99");
  }
  EXPECT_EQ(error(place.file("h.db")).code, errc::bad_config);
}

TEST_F(History, ReadersDoNotWaitForTheWriter) {
  run("a", noon, 1);
  store::database other{place.file("h.db"), {}, 5s};
  store::transaction open{other};
  EXPECT_THAT(found({}), ElementsAre("a"));
  EXPECT_EQ(kept->add(std::vector{received("b", noon)}, 10ms).error().code, errc::timeout);
  open.commit();
  add({received("b", noon)});
  EXPECT_EQ(found({}).size(), 2U);
}

}  // namespace
}  // namespace lovage::monitor
