#include "app/invoke.hpp"

#include <lovage/app.hpp>

#include <gtest/gtest.h>

namespace lovage {
namespace {

constexpr task<int(int, int)> add{"t.add", {"x", "y"}};
constexpr task<std::string(std::optional<std::string>, int)> greet{"t.greet", {"name", "times"}};
constexpr task<void(std::string)> work{"t.work", {"what"}};

struct recording_host final : invoke_host {
  void update_state(std::string_view state, std::string_view meta) override {
    states.emplace_back(std::string{state}, unpacker{meta}.any());
  }
  void send_event(std::string_view type, std::string_view fields) override {
    events.emplace_back(std::string{type}, unpacker{fields}.any());
  }
  [[nodiscard]] int stop_requested() const noexcept override { return stop ? 1 : 0; }
  void log(int, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::pair<std::string, value>> states, events;
  std::vector<std::string> lines;
  bool stop = false;
};

class Invoke : public testing::Test {
 protected:
  outcome run(std::string_view name, value::list args, value::map kwargs = {}, value::map request = {}) {
    return invoke(*tasks.internals().find(name), pack(value{std::move(request)}),
                  pack(value::list{std::move(args), std::move(kwargs)}), host);
  }
  static value of(outcome const& end) { return unpacker{end.data}.any(); }
  static std::string message(outcome const& end) { return *of(end).find("message")->get_if<std::string>(); }
  static std::string type(outcome const& end) { return *of(end).find("type")->get_if<std::string>(); }

  task_registry tasks;
  recording_host host;
};

TEST_F(Invoke, TakesPositionalAndKeywordArgumentsAlike) {
  tasks.define(add, [](int x, int y) { return x - y; });
  for (auto const& end :
       {run("t.add", {5, 3}), run("t.add", {5}, {{"y", 3}}), run("t.add", {}, {{"y", 3}, {"x", 5}})}) {
    EXPECT_EQ(end.kind, LOVAGE_SUCCESS);
    EXPECT_EQ(of(end), value{2});
  }
}

TEST_F(Invoke, WrongArgumentsAreTypeErrorsThatNameTheParameter) {
  tasks.define(add, [](int x, int y) { return x + y; });
  EXPECT_EQ(message(run("t.add", {1, 2, 3})), "t.add() takes 2 arguments but 3 were given");
  EXPECT_EQ(message(run("t.add", {1})), "t.add() is missing the argument 'y'");
  EXPECT_EQ(message(run("t.add", {1}, {{"x", 1}})), "t.add() got multiple values for argument 'x'");
  EXPECT_EQ(message(run("t.add", {1, 2}, {{"z", 1}})), "t.add() got an unexpected keyword argument 'z'");
  EXPECT_EQ(message(run("t.add", {1, 3'000'000'000})), "t.add() argument 'y': 3000000000 does not fit a 32-bit int");
  auto const end = run("t.add", {"1", 2});
  EXPECT_EQ(end.kind, LOVAGE_FAILURE);
  EXPECT_EQ(type(end), "TypeError");
}

TEST_F(Invoke, AnOptionalParameterMayBeLeftOut) {
  tasks.define(greet, [](std::optional<std::string> const& name, int times) {
    return name.value_or("you") + std::to_string(times);
  });
  EXPECT_EQ(of(run("t.greet", {}, {{"times", 2}})), value{"you2"});
  EXPECT_EQ(of(run("t.greet", {nullptr, 2})), value{"you2"});
  EXPECT_EQ(of(run("t.greet", {"a", 2})), value{"a2"});
}

TEST_F(Invoke, AnExceptionBecomesTypeAndMessage) {
  tasks.define(work, [](std::string const& what) {
    if (what == "std") throw std::out_of_range{"far"};
    if (what == "int") throw 7;
  });
  EXPECT_EQ(type(run("t.work", {"std"})), "std::out_of_range");
  EXPECT_EQ(message(run("t.work", {"std"})), "far");
  EXPECT_EQ(type(run("t.work", {"int"})), "unknown");
  EXPECT_EQ(run("t.work", {"fine"}).kind, LOVAGE_SUCCESS);
  EXPECT_TRUE(of(run("t.work", {"fine"})).is_null());
}

TEST_F(Invoke, OnlyTheNamedExceptionsAskForAnAutomaticRetry) {
  auto const body = [](std::string const& what) {
    if (what == "range") throw std::out_of_range{"r"};
    if (what == "argument") throw std::invalid_argument{"a"};
    throw std::runtime_error{"t"};
  };
  tasks.define(work, body, limits{}.autoretry_for<std::logic_error>().dont_autoretry_for<std::invalid_argument>());
  auto const again = [&](char const* what) { return *of(run("t.work", {what})).find("autoretry")->get_if<bool>(); };
  EXPECT_TRUE(again("range"));
  EXPECT_FALSE(again("argument"));
  EXPECT_FALSE(again("runtime"));
}

TEST_F(Invoke, RetryIgnoreAndRejectAreOutcomesOfTheirOwn) {
  tasks.define(work, [](context& self, std::string const& what) {
    if (what == "retry") throw self.retry(std::chrono::seconds{30}).because(std::runtime_error{"busy"});
    if (what == "ignore") throw ignore{};
    throw reject{"no such thing", true};
  });
  auto const retry = run("t.work", {"retry"});
  EXPECT_EQ(retry.kind, LOVAGE_RETRY);
  EXPECT_EQ(*of(retry).find("countdown"), value{30.0});
  EXPECT_EQ(message(retry), "busy");
  EXPECT_EQ(run("t.work", {"ignore"}).kind, LOVAGE_IGNORED);
  auto const rejected = run("t.work", {"other"});
  EXPECT_EQ(rejected.kind, LOVAGE_REJECTED);
  EXPECT_EQ(*of(rejected).find("requeue"), value{true});
}

TEST_F(Invoke, TheContextReadsTheRequestAndReachesTheHost) {
  tasks.define(work, [](context& self, std::string const& what) {
    EXPECT_EQ(self.id(), task_id{"abc"});
    EXPECT_EQ(self.retries(), 2);
    EXPECT_EQ(self.header("tenant"), value{7});
    EXPECT_TRUE(self.header("other").is_null());
    EXPECT_TRUE(self.stop_requested());
    self.progress(1, 4);
    self.log_info(what);
  });
  host.stop = true;
  auto const end =
      run("t.work", {"hello"}, {}, {{"id", "abc"}, {"retries", 2}, {"headers", value::map{{"tenant", 7}}}});
  EXPECT_EQ(end.kind, LOVAGE_SUCCESS);
  ASSERT_EQ(host.states.size(), 1U);
  EXPECT_EQ(host.states[0].first, "PROGRESS");
  EXPECT_EQ(host.states[0].second, (value::map{{"current", 1}, {"total", 4}}));
  EXPECT_EQ(host.lines, std::vector<std::string>{"hello"});
}

TEST_F(Invoke, GarbageInsteadOfArgumentsFailsTheTaskOnly) {
  tasks.define(add, [](int x, int y) { return x + y; });
  auto const& entry = *tasks.internals().find("t.add");
  for (std::string const bad : {"", "\x92", "\x92\x91", "\xc1", "\x93\x90\x80\x80", "\x92\x91\xdd\xff\xff\xff\xff\x80"})
    EXPECT_EQ(invoke(entry, "", bad, host).kind, LOVAGE_FAILURE);
}

TEST(Registry, ANameThatIsTakenIsRefusedNamingBothPlaces) {
  task_registry tasks;
  tasks.define(add, [](int x, int y) { return x + y; });
  try {
    tasks.define(add, [](int, int) { return 0; });
    FAIL() << "taken twice";
  } catch (error const& e) {
    EXPECT_EQ(e.info().detail, "task 't.add' is defined twice: by this program and by this program");
  }
}

TEST(Registry, DescribesWhatItHolds) {
  task_registry tasks;
  tasks.define(
      greet, [](std::optional<std::string> const&, int) { return std::string{}; }, limits{}.max_retries(5));
  auto const all = tasks.list();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].parameters[0].type, "str?");
  EXPECT_EQ(all[0].parameters[1].name, "times");
  EXPECT_EQ(all[0].returns, "str");
  EXPECT_EQ(*find(all[0].options, "max_retries"), value{5});
}

TEST(Registry, APluginThatCannotBeLoadedIsOneSentenceWithItsName) {
  task_registry tasks;
  auto const why = [&](std::string const& path) {
    try {
      tasks.load(path);
    } catch (error const& e) {
      EXPECT_EQ(e.code(), errc::plugin);
      return e.info().detail;
    }
    return std::string{"loaded"};
  };
  EXPECT_EQ(why("./none.so"), "cannot load plug-in './none.so': no such file");
  EXPECT_EQ(why("/tmp"), "cannot load plug-in '/tmp': it is a directory");
  EXPECT_NE(why("libz.so.1").find("no such file"), std::string::npos);
}

class Hooks : public Invoke {
 protected:
  Hooks() {
    tasks.define(work, [this](context&, std::string const& what) {
      said.push_back("body");
      if (what == "fail") throw std::invalid_argument{"no"};
      if (what == "again") throw retry_later{}.max_retries(9);
      if (what == "ignore") throw ignore{};
    });
  }
  outcome hooked(char const* what) {
    return invoke(*tasks.internals().find("t.work"), tasks.internals().hooks(),
                  pack(value{value::map{{"task", "t.work"}, {"retries", 0}}}),
                  pack(value{value::list{value::list{what}, value::map{}}}), host);
  }
  std::vector<std::string> said;
};

TEST_F(Hooks, HearOfATaskBeforeAndAfterIt) {
  tasks.extend([&](library& lib) {
    lib.on_task_prerun([&](context& c) { said.push_back("prerun " + c.name()); });
    lib.on_task_postrun([&](context&, std::string const& state) { said.push_back("postrun " + state); });
    lib.on_task_success([&](context&, value const& v) { said.push_back(v.is_null() ? "success" : "?"); });
    lib.on_task_failure([&](context&, value::map const& f) {
      said.push_back("failure " + *find(f, "message")->get_if<std::string>());
    });
    lib.on_task_retry([&](context&, value::map const&) { said.push_back("retry"); });
  });
  auto const expect = [&](char const* what, std::vector<std::string> const& heard) {
    said.clear();
    (void)hooked(what);
    EXPECT_EQ(said, heard) << what;
  };
  expect("", {"prerun t.work", "body", "success", "postrun SUCCESS"});
  expect("fail", {"prerun t.work", "body", "failure no", "postrun FAILURE"});
  expect("again", {"prerun t.work", "body", "retry", "postrun RETRY"});
  expect("ignore", {"prerun t.work", "body", "postrun IGNORED"});
}

TEST_F(Hooks, ThatThrowCostNothingButALogLine) {
  tasks.extend([&](library& lib) {
    lib.on_task_prerun([](context&) { throw std::runtime_error{"before"}; });
    lib.on_task_success([](context&, value const&) { throw 5; });
    lib.around([](context&, next_step const&) { throw std::runtime_error{"around"}; });
  });
  EXPECT_EQ(hooked("").kind, LOVAGE_SUCCESS);
  EXPECT_EQ(said, std::vector<std::string>{"body"});
  ASSERT_EQ(host.lines.size(), 3U);
  EXPECT_EQ(host.lines[0], "the hook task_prerun threw std::runtime_error: before");
  EXPECT_EQ(host.lines[1], "the hook around threw std::runtime_error: around");
  EXPECT_EQ(host.lines[2], "the hook task_success threw something that is no std::exception");
}

TEST_F(Hooks, MiddlewareRunsAroundTheBodyFirstOneOutermost) {
  tasks.extend([&](library& lib) {
    for (auto const* name : {"outer", "inner"})
      lib.around([this, name = std::string{name}](context&, next_step const& next) {
        said.push_back(name + " in");
        auto const how = next();
        said.push_back(name + (how == LOVAGE_SUCCESS ? " out" : " failed"));
        EXPECT_EQ(next(), how) << "a second time it only tells";
      });
  });
  EXPECT_EQ(hooked("").kind, LOVAGE_SUCCESS);
  EXPECT_EQ(said, (std::vector<std::string>{"outer in", "inner in", "body", "inner out", "outer out"}));
  said.clear();
  EXPECT_EQ(hooked("fail").kind, LOVAGE_FAILURE);
  EXPECT_EQ(said, (std::vector<std::string>{"outer in", "inner in", "body", "inner failed", "outer failed"}));
}

TEST_F(Hooks, MiddlewareThatForgetsTheRestRunsItAllTheSame) {
  tasks.extend([&](library& lib) { lib.around([](context&, next_step const&) {}); });
  EXPECT_EQ(hooked("").kind, LOVAGE_SUCCESS);
  EXPECT_EQ(said, std::vector<std::string>{"body"});
}

TEST_F(Invoke, ABodyTellsMonitorsOfEventsOfItsOwn) {
  tasks.define(work, [](context& self, std::string const& what) {
    self.send_event("task-progress", {{"what", what}, {"done", 12}});
    self.send_event("task-done");
  });
  EXPECT_EQ(run("t.work", {"x"}).kind, LOVAGE_SUCCESS);
  ASSERT_EQ(host.events.size(), 2U);
  EXPECT_EQ(host.events[0].first, "task-progress");
  EXPECT_EQ(host.events[0].second, (value::map{{"what", "x"}, {"done", 12}}));
  EXPECT_EQ(host.events[1], (std::pair<std::string, value>{"task-done", value::map{}}));
}

TEST(Context, SendsNoEventThroughAHostThatIsOlderThanEvents) {
  auto const must_not = [](void*, char const*, std::size_t, char const*, std::size_t) { ADD_FAILURE(); };
  lovage_host host{};
  host.send_event = must_not;
  host.size = offsetof(lovage_host, send_event);
  context{&host, nullptr, {}}.send_event("task-progress");
  host.size = sizeof host;
  host.send_event = nullptr;
  context{&host, nullptr, {}}.send_event("task-progress");
}

TEST_F(Hooks, OfTheWorkerGetFacts) {
  value::map heard;
  tasks.extend([&](library& lib) { lib.on_worker_ready([&](value::map const& facts) { heard = facts; }); });
  tasks.internals().hooks().tell(signal::worker_init, {{"hostname", "a"}});
  EXPECT_TRUE(heard.empty());
  tasks.internals().hooks().tell(signal::worker_ready, {{"hostname", "w@h"}});
  EXPECT_EQ(*find(heard, "hostname"), value{"w@h"});
}

}  // namespace
}  // namespace lovage
