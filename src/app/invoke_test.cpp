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
  [[nodiscard]] int stop_requested() const noexcept override { return stop ? 1 : 0; }
  void log(int, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::pair<std::string, value>> states;
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

}  // namespace
}  // namespace lovage
