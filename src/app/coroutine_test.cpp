// Bodies that are coroutines, through the boundary, by a host that waits and by one that does not.
#include <lovage/coroutine.hpp>

#include "app/recording_host.hpp"

#include <lovage/app.hpp>

#include <gtest/gtest.h>
#include <boost/asio/steady_timer.hpp>

#include <stdexcept>

namespace lovage::coroutine_tests {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

constexpr task<int(int, int)> add{"c.add", {"x", "y"}};
constexpr task<std::string(std::string const&)> echo{"c.echo", {"text"}};
constexpr task<void()> nothing{"c.nothing"};
constexpr task<void()> forever{"c.forever"};
constexpr task<void()> broken{"c.broken"};
constexpr task<void()> again{"c.again"};

awaitable<void> pause_for(std::chrono::milliseconds time) {
  auto const executor = co_await asio::this_coro::executor;
  asio::steady_timer timer{executor, time};
  co_await timer.async_wait(asio::use_awaitable);
}

void define_all(task_registry& tasks) {
  tasks.define(add, [](int x, int y) -> awaitable<int> {
    co_await pause_for(1ms);
    co_return x + y;
  });
  tasks.define(echo, [](context& self, std::string const& text) -> awaitable<std::string> {
    self.progress(1, 2);
    co_await pause_for(1ms);
    co_return text + " of " + self.name();
  });
  tasks.define(nothing, []() -> awaitable<void> { co_return; });
  tasks.define(forever, []() -> awaitable<void> { co_await pause_for(1h); });
  tasks.define(broken, []() -> awaitable<void> {
    co_await pause_for(1ms);
    throw std::invalid_argument{"no"};
  });
  tasks.define(again, [](context& self) -> awaitable<void> {
    co_await pause_for(1ms);
    throw self.retry(30s);
  });
}

class Coroutine : public testing::TestWithParam<bool> {
 protected:
  Coroutine() { define_all(tasks); }
  std::shared_ptr<recording_host> open(std::string_view name, value::list args = {}) {
    return open_call_of(tasks, name, std::move(args), stacks);
  }
  outcome run(std::string_view name, value::list args = {}, int why = 0) {
    if (GetParam()) {
      auto const host = open(name, std::move(args));
      if (why != 0) host->end_early(why);
      return host->wait();
    }
    recording_host host;
    host.why = why;
    auto const request = pack(value{value::map{{"task", std::string{name}}}});
    return invoke(*tasks.internals().find(name), request, pack(value::list{std::move(args), value::map{}}), host);
  }
  static value of(outcome const& end) { return unpacker{end.data}.any(); }
  static std::string text(outcome const& end, char const* key) { return *of(end).find(key)->get_if<std::string>(); }
  task_registry tasks;
  std::shared_ptr<fiber_stacks> const stacks = std::make_shared<fiber_stacks>();
};

INSTANTIATE_TEST_SUITE_P(In, Coroutine, testing::Values(false, true),
                         [](auto const& kind) { return kind.param ? "AHostThatGoesOn" : "AHostThatWaits"; });

TEST_P(Coroutine, ReturnsItsValue) {
  EXPECT_EQ(of(run("c.add", {2, 3})), value{5});
  EXPECT_EQ(of(run("c.echo", {"body"})), value{"body of c.echo"});
  auto const end = run("c.nothing");
  EXPECT_EQ(end.kind, LOVAGE_SUCCESS);
  EXPECT_EQ(of(end), value{});
}

TEST_P(Coroutine, WrongArgumentsAndExceptionsAreFailures) {
  EXPECT_EQ(text(run("c.add", {2}), "message"), "c.add() is missing the argument 'y'");
  auto const end = run("c.broken");
  EXPECT_EQ(end.kind, LOVAGE_FAILURE);
  EXPECT_EQ(text(end, "type"), "std::invalid_argument");
  EXPECT_EQ(run("c.again").kind, LOVAGE_RETRY);
}

TEST_P(Coroutine, IsCancelledWhenItShallEndAndSaysWhy) {
  EXPECT_EQ(text(run("c.forever", {}, 2), "type"), "lovage::soft_time_limit_exceeded");
  EXPECT_EQ(text(run("c.forever", {}, 1), "type"), "lovage::stopped");
}

using CoroutineThatGoesOn = Coroutine;
INSTANTIATE_TEST_SUITE_P(In, CoroutineThatGoesOn, testing::Values(true));

TEST_P(CoroutineThatGoesOn, WaitsWithManyOthersOnOneThread) {
  std::vector<std::shared_ptr<recording_host>> all;
  for (int i = 0; i < 500; ++i) all.push_back(open("c.forever"));
  for (auto const& host : all) host->end_early(2);
  for (auto const& host : all) EXPECT_EQ(host->wait().kind, LOVAGE_FAILURE);
}

}  // namespace
}  // namespace lovage::coroutine_tests
