#include "core/fiber.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>

namespace lovage {
namespace {

class Fiber : public testing::Test {
 protected:
  std::unique_ptr<fiber> make(std::function<void()> body) { return fiber::make(stacks, std::move(body)).value(); }
  std::shared_ptr<fiber_stacks> stacks = std::make_shared<fiber_stacks>();
  std::vector<std::string> said;
};

TEST_F(Fiber, IsLeftInTheMiddleAndGoneOnWith) {
  std::unique_ptr<fiber> f;
  f = make([&] {
    std::string const kept = "kept on its stack";
    said.push_back("in");
    f->suspend();
    said.push_back(kept);
  });
  EXPECT_TRUE(said.empty());
  f->resume();
  EXPECT_EQ(said, std::vector<std::string>{"in"});
  EXPECT_FALSE(f->ended());
  f->resume();
  EXPECT_EQ(said.back(), "kept on its stack");
  EXPECT_TRUE(f->ended());
}

TEST_F(Fiber, ManyAreInTheMiddleAtOnceAndEndInAnyOrder) {
  constexpr int count = 500;
  std::vector<std::unique_ptr<fiber>> all(count);
  std::vector<int> sums(count);
  for (int i = 0; i < count; ++i) {
    all[i] = make([&, i] {
      int const mine = i;
      all[i]->suspend();
      sums[i] += mine;
      all[i]->suspend();
      sums[i] += mine;
    });
    all[i]->resume();
  }
  for (int i = count - 1; i >= 0; --i) all[i]->resume();
  for (int i = 0; i < count; ++i) all[i]->resume();
  for (int i = 0; i < count; ++i) {
    EXPECT_EQ(sums[i], 2 * i);
    EXPECT_TRUE(all[i]->ended());
  }
}

TEST_F(Fiber, ExceptionsAreThrownAndCaughtWithin) {
  auto f = make([&] {
    try {
      throw std::runtime_error{"within"};
    } catch (std::exception const& e) {
      said.emplace_back(e.what());
    }
  });
  f->resume();
  EXPECT_EQ(said, std::vector<std::string>{"within"});
}

std::string handled_now() {
  try {
    if (std::current_exception()) throw;
  } catch (std::exception const& e) {
    return e.what();
  }
  return "nothing";
}

TEST_F(Fiber, OneThatIsLeftWithinACatchBlockFindsItsExceptionAgain) {
  std::vector<std::unique_ptr<fiber>> all(2);
  for (int i = 0; i < 2; ++i)
    all[i] = make([&, i] {
      try {
        throw std::runtime_error{std::to_string(i)};
      } catch (...) {
        all[i]->suspend();
        said.push_back(handled_now());
      }
      said.push_back(handled_now());
    });
  try {
    throw std::runtime_error{"outside"};
  } catch (...) {
    for (auto const& f : all) f->resume();
    EXPECT_EQ(handled_now(), "outside");
    for (auto const& f : all) f->resume();
    EXPECT_EQ(handled_now(), "outside");
  }
  EXPECT_EQ(said, (std::vector<std::string>{"0", "nothing", "1", "nothing"}));
}

TEST_F(Fiber, OneMayRunAnother) {
  auto inner = make([&] { said.push_back("inner"); });
  auto outer = make([&] {
    inner->resume();
    said.push_back("outer");
  });
  outer->resume();
  EXPECT_EQ(said, (std::vector<std::string>{"inner", "outer"}));
}

TEST_F(Fiber, StacksAreUsedAgain) {
  auto* const first = stacks->take().value();
  auto* const second = stacks->take().value();
  EXPECT_NE(first, second);
  stacks->give_back(first);
  EXPECT_EQ(stacks->take().value(), first);
  stacks->give_back(first);
  stacks->give_back(second);
}

TEST_F(Fiber, ThatCannotHaveAStackIsAnError) {
  auto const huge = std::make_shared<fiber_stacks>(std::size_t{1} << 60);
  auto const f = fiber::make(huge, [] {});
  ASSERT_FALSE(f);
  EXPECT_EQ(f.error().code, errc::internal);
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
using FiberDeathTest = Fiber;

// Volatile, or it is made a loop.
int deeper(int n) {
  int volatile room[64];
  room[0] = n;
  return n == 0 ? 0 : deeper(n - 1) + room[0];
}

TEST_F(FiberDeathTest, ThatNeedsMoreStackThanThereIsEndsTheProcess) {
  auto const run = [&] { make([] { (void)deeper(100'000); })->resume(); };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGSEGV), "");
}
#endif

}  // namespace
}  // namespace lovage
