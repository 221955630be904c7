// Schedulers and workers together, on every broker: what is due runs, once.
#include <lovage/beat.hpp>
#include <lovage/worker.hpp>

#include "app/app_state.hpp"
#include "beat/store_choice.hpp"
#include "broker_place.hpp"
#include "core/log.hpp"
#include "eventually.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <latch>
#include <map>
#include <mutex>
#include <thread>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr task<void(std::string)> note{"t.note", {"who"}};
constexpr task<void()> gate{"t.gate"};

class Beat : public ::testing::TestWithParam<char const*> {
 protected:
  ~Beat() override {
    open_gate();
    for (auto& b : beats_) b->stop();
    for (auto& w : workers_) w->stop();
    for (auto& t : threads_) t.join();
  }

  [[nodiscard]] config settings() const {
    return config{}
        .broker_url(place_.broker_url())
        .result_backend(place_.result_backend())
        .beat_max_loop_interval(500ms);
  }
  /// One program among several on the same broker.
  app& program(config with) {
    apps_.push_back(std::make_unique<app>(std::move(with)));
    return *apps_.back();
  }
  app& program() { return program(settings()); }
  void work() {
    auto& on = program();
    on.tasks().define(note, [this](context& self, std::string const& who) { done(who, self.id().str()); });
    on.tasks().define(gate, [this] {
      std::unique_lock lock{mutex_};
      ++at_gate_;
      changed_.notify_all();
      changed_.wait_for(lock, 30s, [this] { return open_; });
    });
    worker_options with;
    with.pool(pool_kind::threads).concurrency(4).handle_signals(false);
    workers_.push_back(std::make_unique<worker>(on, std::move(with)));
    threads_.emplace_back([w = workers_.back().get()] { w->run(); });
    ASSERT_TRUE(workers_.back()->wait_ready(30s));
  }
  beat& schedule(app& on) {
    beats_.push_back(std::make_unique<beat>(on));
    beats_.back()->start();
    return *beats_.back();
  }
  void done(std::string const& who, std::string const& id) {
    std::lock_guard const lock{mutex_};
    ++runs_[who];
    ++ids_[id];
    changed_.notify_all();
  }
  bool wait_for(std::function<bool()> const& what) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 30s, what);
  }
  int count(std::string const& who) {
    std::lock_guard const lock{mutex_};
    return runs_[who];
  }
  bool runs(std::string const& who, int n) {
    return wait_for([&] { return runs_[who] >= n; });
  }
  int at_gate() {
    std::lock_guard const lock{mutex_};
    return at_gate_;
  }
  void open_gate() {
    std::lock_guard const lock{mutex_};
    open_ = true;
    changed_.notify_all();
  }
  std::map<std::string, int> ids() {
    std::lock_guard const lock{mutex_};
    return ids_;
  }
  /// How often each occurrence between the first and the last that ran was run.
  std::vector<int> runs_of_each(std::string const& name, std::chrono::milliseconds period, time_point since) {
    auto const seen = ids();
    std::vector<int> out;
    int holes = 0;
    every const when{period};
    auto due = lovage::schedule{when}.next(since);
    for (; due && *due <= system_now(); due = lovage::schedule{when}.next(*due)) {
      auto const at = seen.find(beats::task_id_of(name, *due).str());
      if (at == seen.end()) {
        ++holes;  // counts only when there is one behind it
        continue;
      }
      if (!out.empty()) out.insert(out.end(), static_cast<std::size_t>(holes), 0);
      holes = 0;
      out.push_back(at->second);
    }
    return out;
  }
  std::shared_ptr<beats::schedule_store> store(app& on) {
    return beats::make_schedule_store(beats::choose_store(*on.state()).value().with, 10s).value();
  }

  testing::broker_place place_{GetParam()};
  std::vector<std::unique_ptr<app>> apps_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<std::string, int> runs_, ids_;
  int at_gate_ = 0;
  bool open_ = false;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::unique_ptr<beat>> beats_;
  std::vector<std::thread> threads_;
};

TEST_P(Beat, of_three_schedulers_each_occurrence_is_sent_once_also_when_the_leader_goes) {
  work();
  auto const since = system_now();
  for (int i = 0; i < 3; ++i) {
    auto& on = program();
    on.periodic("tick", every{100ms}, note.s("tick"), periodic_options{}.catch_up(catch_up::all));
    schedule(on);
  }
  ASSERT_TRUE(runs("tick", 10));
  for (auto& b : beats_) {
    if (!b->wait_leading(0s)) continue;
    b->stop();
    break;
  }
  auto const before = count("tick");
  ASSERT_TRUE(runs("tick", before + 10));
  auto const each = runs_of_each("tick", 100ms, since);
  EXPECT_THAT(each, SizeIs(Ge(20U)));
  EXPECT_THAT(each, Each(1));
}

TEST_P(Beat, entries_of_the_configuration_run_with_their_options) {
  work();
  auto& on = program(settings().beat_schedule(
      {{"quick", value::map{{"task", "t.note"},
                            {"schedule", 0.2},
                            {"args", value::list{"quick"}},
                            {"options", value::map{{"expires", 60}, {"headers", value::map{{"tenant", "a"}}}}}}}}));
  schedule(on);
  EXPECT_TRUE(runs("quick", 2));
  auto const listed = periodic_tasks{on}.find("quick").value();
  EXPECT_EQ(listed.origin, "configuration");
  EXPECT_GE(listed.total_run_count, 1);
  EXPECT_TRUE(listed.last_run_at);
}

TEST_P(Beat, what_is_changed_at_run_time_is_heeded_at_once_or_within_seconds) {
  work();
  auto& on = program();
  ASSERT_TRUE(schedule(on).wait_leading(20s));
  periodic_tasks tasks{program()};
  tasks.add("added", every{200ms}, note.s("added"));
  ASSERT_TRUE(runs("added", 1));
  periodic_change other_text;
  other_text.args = value::list{"edited"};
  tasks.edit("added", other_text);
  ASSERT_TRUE(runs("edited", 1));
  tasks.pause("added");
  tasks.add("other", every{200ms}, note.s("other"));
  ASSERT_TRUE(runs("other", 1));  // the pause was read before it
  auto const paused = count("edited");
  ASSERT_TRUE(runs("other", count("other") + 3));
  EXPECT_LE(count("edited"), paused + 1);  // one may have been on its way
  EXPECT_FALSE(tasks.find("added")->next_run_at);
  (void)tasks.run("added");
  ASSERT_TRUE(runs("edited", paused + 1));
  tasks.remove("other");
  EXPECT_FALSE(tasks.find("other"));
  EXPECT_THROW(tasks.remove("other"), error);
}

// A page of the dashboard asks several things of a schedule that nobody has opened yet.
TEST_P(Beat, many_may_ask_at_the_same_time_and_first) {
  auto& on = program();
  periodic_tasks{on}.add("yearly", crontab{"0 4 1 1 *"}, note.s("yearly"));
  for (int round = 0; round < 20; ++round) {
    periodic_tasks tasks{on};
    std::latch all_there{4};
    std::vector<std::thread> askers;
    for (int i = 0; i < 4; ++i)
      askers.emplace_back([&] {
        all_there.arrive_and_wait();
        EXPECT_THAT(tasks.list(), SizeIs(1));
      });
    for (auto& a : askers) a.join();
  }
}

TEST_P(Beat, one_that_runs_once_is_paused_then) {
  work();
  auto& on = program();
  schedule(on);
  periodic_tasks tasks{on};
  tasks.add("once", clocked{system_now() + 300ms}, note.s("once"));
  tasks.add("first", every{200ms}, note.s("first"), periodic_options{}.one_off());
  ASSERT_TRUE(runs("once", 1));
  ASSERT_TRUE(runs("first", 1));
  tasks.add("later", every{200ms}, note.s("later"));
  ASSERT_TRUE(runs("later", 3));
  EXPECT_EQ(count("once"), 1);
  EXPECT_EQ(count("first"), 1);
  EXPECT_FALSE(tasks.find("first")->enabled);
  EXPECT_EQ(tasks.find("first")->total_run_count, 1);
}

TEST_P(Beat, what_a_dead_scheduler_claimed_is_sent_with_the_same_id) {
  work();
  auto& on = program();
  auto const kept = store(on);
  periodic_tasks{on}.add("yearly", crontab{"0 4 1 1 *"}, note.s("yearly"));
  auto const due = time_point{std::chrono::floor<std::chrono::seconds>(system_now())};
  auto const dead = kept->lead("dead", 100ms, 5s).value();
  beats::decision const one{"yearly", due, true};
  ASSERT_THAT(kept->claim(dead.term, {&one, 1}, 5s).value(), ElementsAre(true));
  schedule(on);
  ASSERT_TRUE(runs("yearly", 1));
  EXPECT_THAT(ids(), ElementsAre(Pair(beats::task_id_of("yearly", due).str(), 1)));
}

TEST_P(Beat, a_run_that_must_not_overlap_waits_for_the_one_before_or_is_left_out) {
  work();
  auto& on = program();
  on.periodic("skip", every{300ms}, gate.s(), periodic_options{}.overlap(overlap::skip));
  on.periodic("queue", every{300ms}, gate.s(), periodic_options{}.overlap(overlap::queue));
  on.periodic("free", every{300ms}, note.s("free"));
  schedule(on);
  ASSERT_TRUE(wait_for([&] { return at_gate_ == 2; }));
  ASSERT_TRUE(runs("free", count("free") + 4));
  EXPECT_EQ(at_gate(), 2);
  open_gate();
  EXPECT_TRUE(wait_for([&] { return at_gate_ >= 4; }));
}

TEST_P(Beat, an_entry_that_cannot_be_is_told_at_the_start) {
  auto& on = program(settings().beat_schedule({{"bad", value::map{{"task", "t.note"}, {"schedule", "61 * * * *"}}}}));
  try {
    beat{on}.start();
    FAIL() << "it started";
  } catch (error const& e) {
    EXPECT_EQ(e.code(), errc::bad_config);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("'bad'"));
    EXPECT_THAT(e.what(), ::testing::HasSubstr("beat_schedule"));
  }
  EXPECT_THROW(program().periodic("", every{1s}, note.s("x")), error);
  auto& twice = program();
  twice.periodic("a", every{1s}, note.s("x"));
  EXPECT_THROW(twice.periodic("a", every{1s}, note.s("x")), error);
}

INSTANTIATE_TEST_SUITE_P(Brokers, Beat, ::testing::Values("sqlite", "redis", "rabbitmq"),
                         [](auto const& of) { return std::string{of.param}; });

// The broker is another server than the store.
TEST(BeatOutage, nothing_is_lost_or_doubled_while_the_broker_is_away) {
  testing::redis_server server;
  testing::store_place place;
  auto const with = config{}.broker_url(server.url()).result_backend(place.url()).beat_store_url(place.url());
  app on{with}, runs_on{with};
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, int> ids;
  std::size_t before = 0;
  std::string said;
  log::set_sink(
      [&](log::level, std::string_view text, auto) {
        std::lock_guard const lock{mutex};
        said += text;
      },
      log::level::error);
  runs_on.tasks().define(note, [&](context& self, std::string const&) {
    std::lock_guard const lock{mutex};
    ++ids[self.id().str()];
    changed.notify_all();
  });
  worker w{runs_on, worker_options{}.pool(pool_kind::threads).concurrency(2).handle_signals(false)};
  std::thread thread{[&] { w.run(); }};
  EXPECT_TRUE(w.wait_ready(20s));
  auto const since = system_now();
  on.periodic("tick", every{100ms}, note.s("tick"), periodic_options{}.catch_up(catch_up::all));
  beat one{on};
  one.start();
  auto const more = [&](std::size_t n) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 30s, [&] { return ids.size() >= n; });
  };
  EXPECT_TRUE(more(5));
  server.kill();
  auto const away = [&] {
    std::lock_guard const lock{mutex};
    before = ids.size();
    return said.find("cannot send periodic tasks") != said.npos;
  };
  EXPECT_TRUE(testing::eventually(away, 30s));
  server.start();
  EXPECT_TRUE(more(before + 20));
  one.stop();
  auto const until = system_now();
  std::vector<int> each;
  std::unique_lock lock{mutex};
  auto due = schedule{every{100ms}}.next(since);
  while (due && !ids.contains(beats::task_id_of("tick", *due).str()) && *due < until)
    due = schedule{every{100ms}}.next(*due);
  for (std::size_t i = 0; i < before + 20; ++i, due = schedule{every{100ms}}.next(*due))
    each.push_back(ids[beats::task_id_of("tick", *due).str()]);
  lock.unlock();
  EXPECT_THAT(each, Each(1));
  w.stop();
  thread.join();
  log::set_sink({}, log::level::info);
}

}  // namespace
}  // namespace lovage
