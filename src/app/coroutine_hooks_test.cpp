// Hooks and middleware around calls that go on when their body's function has returned.
#include <lovage/coroutine.hpp>

#include "app/recording_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/steady_timer.hpp>

#include <stdexcept>
#include <thread>

namespace lovage::coroutine_hooks_tests {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
namespace asio = boost::asio;

constexpr task<int(std::string)> awaits{"h.awaits", {"how"}};
constexpr task<int(std::string)> plain{"h.plain", {"how"}};
constexpr task<void()> forever{"h.forever"};

awaitable<void> await_timer(std::chrono::milliseconds time) {
  auto const executor = co_await asio::this_coro::executor;
  asio::steady_timer timer{executor, time};
  co_await timer.async_wait(asio::use_awaitable);
}

int end_as(std::string const& how) {
  if (how == "fail") throw std::invalid_argument{"no"};
  if (how == "again") throw retry_later{}.max_retries(9);
  if (how == "ignore") throw ignore{};
  return 7;
}

class CoroutineHooks : public testing::Test {
 protected:
  CoroutineHooks() {
    tasks.define(awaits, [this](context&, std::string how) -> awaitable<int> {
      say("body");
      co_await await_timer(1ms);
      say("awaited");
      co_return end_as(how);
    });
    tasks.define(plain, [this](std::string const& how) {
      say("body");
      return end_as(how);
    });
    tasks.define(forever, []() -> awaitable<void> { co_await await_timer(1h); });
  }
  void say(std::string what) {
    std::lock_guard const lock{m};
    said.push_back(std::move(what));
  }
  void hear_all() {
    tasks.extend([&](library& lib) {
      lib.on_task_prerun([&](context& c) { say("prerun " + c.name()); });
      lib.on_task_postrun([&](context&, std::string const& state) { say("postrun " + state); });
      lib.on_task_success(
          [&](context&, value const& v) { say("success " + std::to_string(*v.get_if<std::int64_t>())); });
      lib.on_task_failure([&](context&, value::map const& f) { say("failure " + text(f, "type")); });
      lib.on_task_retry([&](context&, value::map const&) { say("retry"); });
    });
  }
  void wrap(std::string const& name) {
    tasks.extend([&](library& lib) {
      lib.around([this, name](context&, next_step const& next) {
        say(name + " in");
        auto const how = next();
        say(name + (how == LOVAGE_SUCCESS ? " out" : " failed"));
        EXPECT_EQ(next(), how) << "a second time it only tells";
      });
    });
  }
  static std::string text(value::map const& of, char const* key) { return *find(of, key)->get_if<std::string>(); }
  static std::string type(outcome const& end) { return text(*unpacker{end.data}.any().get_if<value::map>(), "type"); }
  std::shared_ptr<recording_host> open(std::string_view name, value::list args = {}) {
    return open_call_of(tasks, name, std::move(args), stacks);
  }
  outcome run(std::string_view name, std::string how) {
    {
      std::lock_guard const lock{m};
      said.clear();
    }
    return open(name, {std::move(how)})->wait();
  }

  task_registry tasks;
  std::shared_ptr<fiber_stacks> const stacks = std::make_shared<fiber_stacks>();
  std::mutex m;
  std::vector<std::string> said;
};

TEST_F(CoroutineHooks, HearOfACoroutineBeforeItBeginsAndWhenItHasEnded) {
  hear_all();
  EXPECT_EQ(run("h.awaits", "").kind, LOVAGE_SUCCESS);
  EXPECT_THAT(said, ElementsAre("prerun h.awaits", "body", "awaited", "success 7", "postrun SUCCESS"));
  EXPECT_EQ(run("h.awaits", "fail").kind, LOVAGE_FAILURE);
  EXPECT_THAT(said,
              ElementsAre("prerun h.awaits", "body", "awaited", "failure std::invalid_argument", "postrun FAILURE"));
  EXPECT_EQ(run("h.awaits", "again").kind, LOVAGE_RETRY);
  EXPECT_THAT(said, ElementsAre("prerun h.awaits", "body", "awaited", "retry", "postrun RETRY"));
  EXPECT_EQ(run("h.awaits", "ignore").kind, LOVAGE_IGNORED);
  EXPECT_THAT(said, ElementsAre("prerun h.awaits", "body", "awaited", "postrun IGNORED"));
}

TEST_F(CoroutineHooks, HearOfAPlainTaskToo) {
  hear_all();
  EXPECT_EQ(run("h.plain", "").kind, LOVAGE_SUCCESS);
  EXPECT_THAT(said, ElementsAre("prerun h.plain", "body", "success 7", "postrun SUCCESS"));
}

TEST_F(CoroutineHooks, HearOfACallWhoseArgumentsAreWrong) {
  hear_all();
  wrap("around");
  EXPECT_EQ(open("h.awaits")->wait().kind, LOVAGE_FAILURE);
  EXPECT_THAT(said,
              ElementsAre("prerun h.awaits", "around in", "around failed", "failure TypeError", "postrun FAILURE"));
}

TEST_F(CoroutineHooks, MiddlewareWaitsForACoroutineThatAwaits) {
  hear_all();
  wrap("outer");
  wrap("inner");
  auto const end = run("h.awaits", "");
  EXPECT_EQ(end.kind, LOVAGE_SUCCESS);
  EXPECT_EQ(unpacker{end.data}.any(), value{7});
  EXPECT_THAT(said, ElementsAre("prerun h.awaits", "outer in", "inner in", "body", "awaited", "inner out", "outer out",
                                "success 7", "postrun SUCCESS"));
  EXPECT_EQ(type(run("h.awaits", "fail")), "std::invalid_argument");
  EXPECT_THAT(said, ElementsAre("prerun h.awaits", "outer in", "inner in", "body", "awaited", "inner failed",
                                "outer failed", "failure std::invalid_argument", "postrun FAILURE"));
}

TEST_F(CoroutineHooks, MiddlewareRunsAroundPlainTasksToo) {
  wrap("around");
  EXPECT_EQ(run("h.plain", "").kind, LOVAGE_SUCCESS);
  EXPECT_THAT(said, ElementsAre("around in", "body", "around out"));
  EXPECT_EQ(run("h.plain", "fail").kind, LOVAGE_FAILURE);
  EXPECT_THAT(said, ElementsAre("around in", "body", "around failed"));
}

TEST_F(CoroutineHooks, MiddlewareThatForgetsTheRestOrThrowsRunsItAllTheSame) {
  tasks.extend([&](library& lib) {
    lib.around([](context&, next_step const&) {});
    lib.around([](context&, next_step const&) { throw std::runtime_error{"before"}; });
    lib.around([](context&, next_step const& next) {
      next();
      throw std::runtime_error{"after"};
    });
  });
  auto const host = open("h.awaits", {""});
  EXPECT_EQ(host->wait().kind, LOVAGE_SUCCESS);
  EXPECT_THAT(said, ElementsAre("body", "awaited"));
  EXPECT_THAT(host->lines, ElementsAre("the hook around threw std::runtime_error: before",
                                       "the hook around threw std::runtime_error: after"));
}

TEST_F(CoroutineHooks, MiddlewareStaysInOneThread) {
  std::thread::id before, after;
  tasks.extend([&](library& lib) {
    lib.around([&](context&, next_step const& next) {
      before = std::this_thread::get_id();
      next();
      after = std::this_thread::get_id();
    });
  });
  (void)run("h.awaits", "");
  EXPECT_EQ(before, std::this_thread::get_id());
  EXPECT_EQ(after, before);
}

TEST_F(CoroutineHooks, CallsAreInTheirMiddlewareSideBySideAndEachSeesItsOwnEnd) {
  int number = 0;
  tasks.extend([&](library& lib) {
    lib.around([&](context&, next_step const& next) {
      auto const mine = std::to_string(++number);
      say("in " + mine);
      try {
        throw std::runtime_error{mine};
      } catch (std::exception const& e) {  // another call goes on while this one is here
        next();
        say(std::string{"out "} + e.what());
      }
      EXPECT_EQ(std::current_exception(), nullptr);
    });
  });
  auto const first = open("h.forever"), second = open("h.forever"), third = open("h.awaits", {""});
  EXPECT_EQ(third->wait().kind, LOVAGE_SUCCESS);
  second->end_early(2);
  EXPECT_EQ(type(second->wait()), "lovage::soft_time_limit_exceeded");
  first->end_early(1);
  EXPECT_EQ(type(first->wait()), "lovage::stopped");
  std::erase_if(said, [](std::string const& s) { return s == "body" || s == "awaited"; });
  EXPECT_THAT(said, ElementsAre("in 1", "in 2", "in 3", "out 3", "out 2", "out 1"));
}

TEST_F(CoroutineHooks, ManyThatWaitInMiddlewareAreAllCancelled) {
  wrap("around");
  std::vector<std::shared_ptr<recording_host>> all;
  for (int i = 0; i < 500; ++i) all.push_back(open("h.forever"));
  for (auto const& host : all) host->end_early(2);
  for (auto const& host : all) EXPECT_EQ(type(host->wait()), "lovage::soft_time_limit_exceeded");
  EXPECT_EQ(std::count(said.begin(), said.end(), "around failed"), 500);
}

TEST_F(CoroutineHooks, ABodyThatHasEndedIsNotStoppedWhileItsMiddlewareGoesOn) {
  wrap("around");
  auto const host = open("h.awaits", {""});
  {
    std::unique_lock lock{host->m};
    host->news.wait(lock, [&] { return !host->called.empty(); });
  }
  host->end_early(1);  // of the coroutine nothing is left that could be told
  EXPECT_EQ(host->wait().kind, LOVAGE_SUCCESS);
}

TEST_F(CoroutineHooks, ACallWithoutAStackForItsMiddlewareFails) {
  wrap("around");
  auto const none = std::make_shared<fiber_stacks>(std::size_t{1} << 60);
  EXPECT_EQ(type(open_call_of(tasks, "h.awaits", {""}, none)->wait()), "MemoryError");
  EXPECT_TRUE(said.empty());
}

}  // namespace
}  // namespace lovage::coroutine_hooks_tests
