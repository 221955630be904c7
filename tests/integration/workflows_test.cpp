// Typed workflows and named ones, as a program uses them, on every kind of store.
#include <lovage/batch.hpp>
#include <lovage/testing.hpp>
#include <lovage/workflow.hpp>

#include "broker_place.hpp"
#include "core/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <ranges>

namespace lovage::workflows {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr task<int(int, int)> add{"w.add", {"x", "y"}};
constexpr task<int(std::vector<int>)> total{"w.total", {"xs"}};
constexpr task<std::string(int)> show{"w.show", {"n"}};
constexpr task<std::string(std::tuple<int, std::string>)> both{"w.both", {"pair"}};
constexpr task<int(int)> refuse{"w.refuse", {"n"}};
constexpr task<int(int)> split{"w.split", {"n"}};
constexpr task<int(int)> spread{"w.spread", {"n"}};
constexpr task<int(int)> adds{"w.adds", {"n"}};
constexpr task<int(int)> gate{"w.gate", {"n"}};
constexpr task<void(batch_summary)> told{"w.told", {"summary"}};
constexpr task<int(int)> detour{"w.detour", {"n"}};
constexpr task<void(int)> note{"w.note", {"n"}};

class Workflows : public ::testing::TestWithParam<char const*> {
 protected:
  Workflows() : at{GetParam()}, on{config{}.broker_url(at.broker_url()).result_backend(at.result_backend())} {
    log::set_sink({}, log::level::critical);
    on.tasks().define(add, [](int x, int y) { return x + y; });
    on.tasks().define(total, [](std::vector<int> const& xs) {
      int sum = 0;
      for (auto const x : xs) sum += x;
      return sum;
    });
    on.tasks().define(show, [](int n) { return "<" + std::to_string(n) + ">"; });
    on.tasks().define(
        both, [](std::tuple<int, std::string> const& p) { return std::to_string(std::get<0>(p)) + std::get<1>(p); });
    on.tasks().define(refuse, [](int n) -> int { throw std::invalid_argument{"not " + std::to_string(n)}; });
    on.tasks().define(split, [](context& self, int n) -> int {
      if (n > 10) throw self.replace(group(split.s(n / 2), split.s(n - n / 2)) | total.s());
      return n * n;
    });
    on.tasks().define(spread, [](context& self, int n) -> int {
      throw self.replace(group(add.s(n, 1), add.s(n, 2)));  // as one result, its list
    });
    on.tasks().define(adds, [](context& self, int n) {
      for (int i = 0; i < n; ++i) self.add_to_chord(add.s(100, i));
      return n;
    });
    on.tasks().define(gate, [this](int n) {
      ++gates;
      if (!open) throw std::runtime_error{"the gate is closed"};
      return n;
    });
    on.tasks().define(told, [this](batch_summary const& s) {
      std::lock_guard const lock{mutex};
      notes.push_back(static_cast<int>(s.succeeded * 100 + s.failed));
    });
    on.tasks().define(detour, [](context& self, int n) -> int { throw self.replace(gate.s(n) | add.s(1)); });
    on.tasks().define(note, [this](int n) {
      std::lock_guard const lock{mutex};
      notes.push_back(n);
    });
  }
  void work() { worker.emplace(on, 2); }
  std::vector<int> notes_of(std::size_t n) {
    for (auto const until = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < until;) {
      std::lock_guard const lock{mutex};
      if (notes.size() >= n) break;
    }
    std::lock_guard const lock{mutex};
    return notes;
  }

  testing::broker_place at;
  std::atomic<bool> open{true};
  std::atomic<int> gates{0};
  std::mutex mutex;
  std::vector<int> notes;
  app on;
  std::optional<testing::background_worker> worker;
};

TEST_P(Workflows, AGroupCanBeMadeMemberByMember) {
  work();
  auto const members = std::views::iota(0, 600) | std::views::transform([](int i) { return add.s(i, 1); });
  std::vector<std::pair<std::size_t, std::size_t>> progress;
  auto const sent = on.send_group(members, [&](std::size_t n, std::size_t all) { progress.emplace_back(n, all); });
  EXPECT_EQ(progress, (std::vector<std::pair<std::size_t, std::size_t>>{{250, 600}, {500, 600}, {600, 600}}));
  auto const all = sent.get(60s);
  ASSERT_EQ(all.size(), 600U);
  for (int i = 0; i < 600; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i + 1);
}

TEST_P(Workflows, MembersThatAreMadeOneByOneMayBeWorkflows) {
  work();
  auto members = std::views::iota(1, 4) | std::views::filter([](int i) { return i != 2; }) |
                 std::views::transform([](int i) { return group(add.s(i, 1), add.s(i, 2)) | total.s(); });
  EXPECT_EQ(on.send_group(members).get(60s), (std::vector{5, 9}));
  EXPECT_TRUE(on.send_group(std::views::iota(0, 0) | std::views::transform([](int i) { return add.s(i, 1); })).ready());
}

TEST_P(Workflows, BeforePublishIsToldOfTheTasksOfAWorkflow) {
  std::vector<std::string> said;
  on.before_publish([&](raw_call& c) {
    said.push_back(c.task);
    if (c.task == "w.add") c.options.countdown(0s).queue_ = "celery";
    if (c.task == "w.add") c.kwargs.push_back({"y", 5});
  });
  work();
  auto const one_missing = value{detail::make_signature("w.add", {1}, {}, {}, {}, false)};
  auto const flow = canvas<int()>{group(canvas<int()>{one_missing}, canvas<int()>{one_missing}) | total.s()};
  EXPECT_EQ(on.send(flow).get(60s), 12);
  EXPECT_EQ(said, (std::vector<std::string>{"w.add", "w.add"})) << "a body is sent by a worker";
}

TEST_P(Workflows, GiveWhatTheirTypesSay) {
  work();
  EXPECT_EQ(on.send(add.s(1, 2) | add.s(10) | show.s()).get(30s), "<13>");
  EXPECT_EQ(on.send(group(add.s(1, 1), add.s(2, 2)) | total.s() | add.s(10)).get(30s), 16);
  EXPECT_EQ(on.send(group(add.s(1, 2), show.s(7)) | both.s()).get(30s), "3<7>");
  EXPECT_EQ(on.send(add.s(1, 2) | group(add.s(1), add.s(2)) | total.s()).get(30s), 9);
  EXPECT_EQ(on.send(chord(std::vector{add.s(1, 2), add.s(3, 4)}, total.s())).get(30s), 10);
  EXPECT_EQ(on.send((add.s() | add.s(1)).with(1, 2)).get(30s), 4);
  EXPECT_EQ(on.send(map(show, std::vector{1, 2})).get(30s), (std::vector<std::string>{"<1>", "<2>"}));
  EXPECT_EQ(on.send(chain(add.s(1, 2), add.s(3, 4), add.s(1))).get(30s), 8) << "one that misses nothing takes nothing";
}

TEST_P(Workflows, OfGroupsGiveVectorsAndTuples) {
  work();
  auto const same = on.send(group(add.s(1, 1), add.s(2, 2)));
  EXPECT_EQ(same.get(30s), (std::vector{2, 4}));
  EXPECT_TRUE(same.ready() && same.successful() && !same.failed());
  EXPECT_EQ(same.completed_count(), 2U);
  auto const [n, text] = on.send(group(add.s(1, 2), show.s(3))).get(30s);
  EXPECT_EQ(n, 3);
  EXPECT_EQ(text, "<3>");
  auto const nested = on.send(group(add.s(1, 2), add.s(1, 2) | group(add.s(1), add.s(2)))).get(30s);
  EXPECT_EQ(nested, std::tuple(3, std::vector{4, 5}));
  using pairs = std::vector<std::tuple<int, int>>;
  EXPECT_EQ(on.send(chunks(add, pairs{{1, 2}, {3, 4}, {5, 6}}, 2)).get(30s),
            (std::vector<std::vector<int>>{{3, 7}, {11}}));
  EXPECT_TRUE(on.send(group()).get(1s).empty());
}

TEST_P(Workflows, OfGroupsAreSavedAndReadAsTheyFinish) {
  auto const sent = on.send(group(add.s(1, 1), add.s(2, 2), refuse.s(3)));
  sent.save();
  work();
  auto const again = on.restore_group<group_of_many<int>>(sent.id());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->ids(), sent.ids());
  std::vector<std::string> states(3);
  EXPECT_EQ(again->for_each_ready([&](std::size_t i, task_status const& s) { states.at(i) = s.state; }, 30s), 3U);
  EXPECT_EQ(states, (std::vector<std::string>{"SUCCESS", "SUCCESS", "FAILURE"}));
  EXPECT_TRUE(again->failed() && again->ready());
  auto const got = again->try_get(5s);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().text(), HasSubstr("not 3"));
  again->forget();
  EXPECT_FALSE(on.restore_group(sent.id()));
}

TEST_P(Workflows, ThatFailSayWhichStepDid) {
  work();
  auto const sent = on.send(add.s(1, 2) | refuse.s() | add.s(1));
  try {
    (void)sent.get(30s);
    FAIL() << "it failed";
  } catch (task_failed const& e) {
    EXPECT_EQ(e.message(), "not 3");
    EXPECT_EQ(e.step(), "step 2 of 3, " + sent.tree().parent.front().id);
  }
  auto const body = on.send(group(add.s(1, 2), refuse.s(3)) | total.s());
  auto const got = body.try_get(30s);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().text(), HasSubstr("step 1 of 2"));
  EXPECT_THAT(got.error().text(), HasSubstr("ChordError: Dependency"));
}

TEST_P(Workflows, CollectWhatCameOfThem) {
  work();
  auto const sent = on.send(add.s(1, 2).link(note.s()).link(show.s()));
  auto const all = sent.collect(30s);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].result, value{3});
  EXPECT_EQ(notes_of(1), std::vector{3});
}

TEST_P(Workflows, ReplaceTasks) {
  work();
  EXPECT_EQ(on.send(split.s(20)).get(30s), 200);
  EXPECT_EQ(on.send(split.s(40) | add.s(1)).get(30s), 401) << "what follows it follows what replaced it";
  EXPECT_EQ(on.send(group(split.s(20), add.s(1, 1)) | total.s()).get(30s), 202) << "a member of a group stays one";
  auto const listed = on.send(named("w.spread", {5}));
  EXPECT_EQ(listed.get(30s), (value{value::list{6, 7}}));
}

TEST_P(Workflows, AddMembersToTheirChord) {
  work();
  EXPECT_EQ(on.send(group(adds.s(3), add.s(1, 1)) | total.s()).get(30s), 308);
  auto const alone = on.send(adds.s(1)).try_get(30s);
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().text(), HasSubstr("no member of a chord"));
}

TEST_P(Workflows, AreRevokedAsAWhole) {
  auto const sent = on.send(add.s(1, 2) | note.s() | note.s(7));
  sent.revoke_all();
  auto const stamped = on.send((group(add.s(1, 2), add.s(3, 4)) | total.s() | note.s()).stamp({{"order", {"7"}}}));
  on.revoke_by_stamped_headers({{"order", {"7"}}});
  work();
  auto const last = on.send(add.s(1, 1) | note.s());
  EXPECT_TRUE(last.wait(30s));
  EXPECT_EQ(notes_of(1), std::vector{2});
  EXPECT_EQ(on.result(task_id{sent.tree().parent.front().parent.front().id}).state(), "REVOKED");
}

TEST_P(Workflows, OfBatchesEndWhateverBecomesOfTheirTasks) {
  batch mixed{"mixed"};
  mixed.add(add.s(1, 2)).add(refuse.s(7)).add(add.s(1, 1) | add.s(2)).add(adds.s(2));  // one of which adds two
  mixed.on_success(note.s(1)).on_failure(note.s(2)).on_complete(told.s());
  auto const run = on.send(mixed);
  work();
  auto const summary = run.summary.get(30s);
  EXPECT_EQ(summary.name, "mixed");
  EXPECT_EQ(summary.id, run.tasks.id());
  EXPECT_EQ(summary.total, 6);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_EQ(summary.failed_ids, std::vector{run.tasks.ids().at(1).str()});
  EXPECT_THAT(notes_of(2), ::testing::UnorderedElementsAre(2, 501));
  batch good;
  good.add(add.s(1, 2)).on_success(note.s(3)).on_failure(note.s(4));
  EXPECT_EQ(on.send(good).summary.get(30s).succeeded, 1);
  EXPECT_THAT(notes_of(3), ::testing::UnorderedElementsAre(2, 501, 3));
  EXPECT_THROW((void)on.send(batch{}), error);
}

value by_name(value const& results, char const* name) {
  auto const* found = results.find(name);
  return found ? *found : value{};
}

TEST_P(Workflows, WithNamesRunEachNodeOnceAllItNeedsIsThere) {
  workflow flow{"order"};
  auto const a = flow.add("a", add.s(1, 2));
  auto const b = flow.add("b", add.s(10), a);
  auto const c = flow.add("c", add.s(100), a);
  auto const sum = flow.add("sum", add.s(), b, c);  // add(13, 103)
  flow.add("text", show.s(), sum);
  flow.add("later", add.s(7, 0)).after(sum).after(a);
  auto const run = on.send(flow);
  EXPECT_EQ(run.status().state, "STARTED");
  EXPECT_THAT(run.draw().mermaid(), HasSubstr("n0[\"a<br/>w.add\"]:::pending"));
  work();
  auto const results = run.get(30s);
  EXPECT_EQ(by_name(results, "text"), value{"<116>"});
  EXPECT_EQ(by_name(results, "later"), value{7});
  EXPECT_EQ(run.result<int>("sum").get(1s), 116);
  auto const counts = run.progress();
  EXPECT_EQ(counts.all, 6U);
  EXPECT_EQ(counts.succeeded, 6U);
  EXPECT_THAT(run.draw().mermaid(), HasSubstr("n0[\"a<br/>w.add\"]:::success"));
  EXPECT_THAT(run.draw().dot(), HasSubstr("n0 -> n1;"));
  EXPECT_THAT(on.draw(run.id()).dot(), HasSubstr("n3 -> n4;"));
}

TEST_P(Workflows, WithNamesGoOnFromWhatFailed) {
  open = false;
  workflow flow;
  auto const a = flow.add("a", add.s(1, 2));
  auto const g = flow.add("g", gate.s(), a);
  auto const e = flow.add("e", add.s(5), g);
  flow.add("end", add.s(), e, a);
  work();
  auto run = on.send(flow);
  EXPECT_TRUE(run.wait(30s));
  EXPECT_EQ(run.status().state, "FAILURE");
  try {
    (void)run.get(1s);
    FAIL() << "it failed";
  } catch (task_failed const& failed) {
    EXPECT_EQ(failed.message(), "the gate is closed");
    EXPECT_THAT(failed.traceback(), HasSubstr("Node 'g'"));
  }
  EXPECT_EQ(run.progress().failed, 1U);
  open = true;
  auto same = on.workflow_of(run.id());
  EXPECT_EQ(same.resume(), 1U);
  EXPECT_EQ(by_name(run.get(30s), "end"), value{11});
  EXPECT_EQ(gates, 2);
  EXPECT_EQ(same.resume(), 0U) << "nothing failed";
}

TEST_P(Workflows, WithNamesGoOnWithWhatReplacedANode) {
  open = false;
  workflow flow;
  auto const s = flow.add("s", split.s(20));
  auto const d = flow.add("d", detour.s(), s);
  flow.add("end", add.s(), s, d);
  work();
  auto run = on.send(flow);
  EXPECT_TRUE(run.wait(30s));
  EXPECT_EQ(run.status().state, "FAILURE") << "a task of the replacement failed";
  EXPECT_EQ(run.result<int>("s").get(1s), 200);
  open = true;
  EXPECT_EQ(run.resume(), 1U);
  EXPECT_EQ(by_name(run.get(30s), "end"), value{200 + 201});
}

TEST_P(Workflows, WithNamesTryANodeAgain) {
  open = false;
  workflow flow;
  flow.add("g", gate.s(1)).retries(2, 0s);
  work();
  auto const run = on.send(flow);
  EXPECT_TRUE(run.wait(30s));
  EXPECT_EQ(run.status().state, "FAILURE");
  EXPECT_EQ(gates, 3);
}

TEST_P(Workflows, WithNamesAreCancelled) {
  workflow flow;
  auto const a = flow.add("a", add.s(1, 2));
  flow.add("n", note.s(), a);
  auto run = on.send(flow);
  run.cancel();
  EXPECT_EQ(run.status().state, "REVOKED");
  work();
  auto const last = on.send(add.s(4, 4) | note.s());
  EXPECT_TRUE(last.wait(30s));
  EXPECT_EQ(notes_of(1), std::vector{8});
  EXPECT_EQ(run.status().state, "REVOKED");
}

TEST_P(Workflows, WithNamesAreLookedThrough) {
  auto const why = [&](workflow const& flow) {
    try {
      (void)on.send(flow);
    } catch (error const& e) {
      return e.info().detail;
    }
    return std::string{"sent"};
  };
  EXPECT_THAT(why(workflow{}), HasSubstr("no nodes"));
  workflow round;
  auto a = round.add("a", add.s(1, 2));
  auto const b = round.add("b", add.s(1), a);
  a.after(b);
  EXPECT_EQ(why(round), "nodes wait for each other: 'a', 'b'");
  EXPECT_THROW(round.add("a", add.s(1, 2)), error);
  EXPECT_THROW(round.add("a b", add.s(1, 2)), error);
  EXPECT_THROW((void)on.workflow_of(task_id{"none"}).nodes(), error);
}

INSTANTIATE_TEST_SUITE_P(Stores, Workflows, ::testing::ValuesIn(testing::every_broker),
                         [](auto const& of) { return std::string{of.param}; });

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
long peak_kib() {
  std::ifstream in{"/proc/self/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  return 0;
}

// As a whole it takes 1,260 octets a member.
TEST(LargeGroup, IsNeverInMemoryAsAWhole) {
  testing::broker_place at{"sqlite"};
  app on{config{}.broker_url(at.broker_url()).result_backend(at.result_backend())};
  auto const member = [](int i) { return add.s(i, 1); };
  (void)on.send_group(std::views::iota(0, 1'000) | std::views::transform(member));
  std::ofstream{"/proc/self/clear_refs"} << "5";
  auto const before = peak_kib();
  auto const sent = on.send_group(std::views::iota(0, 50'000) | std::views::transform(member));
  EXPECT_EQ(sent.size(), 50'000U);
  EXPECT_LT(peak_kib() - before, 50'000 * 600 / 1'024) << "KiB";
}
#endif

}  // namespace
}  // namespace lovage::workflows
