// Claims on the runs of tasks that may be sent more than once: what `claim_runs` promises.
#include "backend_conformance.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;

TEST_P(BackendRuns, belong_to_the_first_text_that_asks_and_to_it_again) {
  EXPECT_TRUE(claim("a", "one"));
  EXPECT_FALSE(claim("a", "two"));
  EXPECT_TRUE(claim("a", "one"));
  EXPECT_TRUE(claim("b", "two"));
}

TEST_P(BackendRuns, are_claimed_in_batches_in_their_order) {
  EXPECT_TRUE(claim("b", "before"));
  std::vector<run_claim> const all{{task_id{"a"}, "x"}, {task_id{"a"}, "y"}, {task_id{"b"}, "z"}, {task_id{"a"}, "x"}};
  EXPECT_THAT(backend_->claim_runs(all, 1h, 5s).value(), ElementsAre(true, false, false, true));
  EXPECT_TRUE(backend_->claim_runs({}, 1h, 5s).value().empty());
}

TEST_P(BackendRuns, are_claimed_by_thousands_at_once) {
  std::vector<run_claim> all;
  for (int i = 0; i < 2'500; ++i) all.push_back({task_id{"t" + std::to_string(i)}, "x"});
  auto const first = backend_->claim_runs(all, 1h, 10s).value();
  ASSERT_EQ(first.size(), all.size());
  EXPECT_THAT(first, Each(true));
  for (auto& c : all) c.text = "y";
  EXPECT_THAT(backend_->claim_runs(all, 1h, 10s).value(), Each(false));
}

TEST_P(BackendRuns, are_known_as_long_as_was_said) {
  EXPECT_TRUE(claim("a", "one", 10s));
  EXPECT_TRUE(claim("ever", "one", 0s));
  advance(9s);
  EXPECT_TRUE(claim("a", "one", 10s)) << "who has it does not renew it";
  EXPECT_FALSE(claim("a", "two", 10s));
  advance(2s);
  EXPECT_TRUE(claim("a", "two", 10s));
  EXPECT_FALSE(claim("a", "one", 10s));
  advance(11s);
  EXPECT_EQ(backend_->cleanup(5s).value(), can_.clock_of_server ? 0U : 1U);
  EXPECT_FALSE(claim("ever", "two"));
}

TEST_P(BackendRuns, stay_when_the_result_is_forgotten) {
  EXPECT_TRUE(claim("a", "one"));
  store(record("a", wire::state::success, 1));
  ASSERT_TRUE(backend_->forget(std::vector{task_id{"a"}}, 5s));
  EXPECT_FALSE(claim("a", "two"));
}

TEST_P(BackendRuns, have_one_winner_among_many_who_ask_at_once) {
  constexpr int ids = 50;
  std::atomic<int> won{0};
  std::vector<std::thread> askers;
  for (int who = 0; who < 4; ++who)
    askers.emplace_back([&, who] {
      for (int i = 0; i < ids; ++i) won += claim("t" + std::to_string(i), "by " + std::to_string(who)) ? 1 : 0;
    });
  for (auto& t : askers) t.join();
  EXPECT_EQ(won, ids);
}

}  // namespace
}  // namespace lovage::backend
