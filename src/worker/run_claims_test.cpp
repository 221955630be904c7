#include "worker/run_claims.hpp"

#include "core/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lovage::run_claims_tests {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using work::run_claims;

/// Keeps records for nobody; answers claims as it is told.
struct claim_keeper final : backend::result_backend {
  expected<void> store(std::span<wire::result_record const>, std::chrono::seconds, deadline) override { return {}; }
  expected<std::vector<wire::result_record>> fetch(std::span<task_id const>, deadline) override {
    return std::vector<wire::result_record>{};
  }
  expected<void> forget(std::span<task_id const>, deadline) override { return {}; }
  expected<std::unique_ptr<backend::watch>> make_watch() override { return fail(errc::not_supported, ""); }
  expected<std::uint64_t> cleanup(deadline) override { return std::uint64_t{0}; }
  expected<std::vector<bool>> claim_runs(std::span<backend::run_claim const> claims, std::chrono::seconds keep,
                                         deadline) override {
    kept = keep;
    if (refused != errc::ok) return fail(refused, "not now");
    return std::vector<bool>(claims.size(), answer);
  }
  errc refused = errc::ok;
  bool answer = true;
  std::chrono::seconds kept{};
};

class RunClaims : public ::testing::Test {
 protected:
  RunClaims() {
    log::set_sink([this](log::level, std::string_view text, auto) { lines.emplace_back(text); }, log::level::warning);
  }
  ~RunClaims() override { log::set_sink({}, log::level::info); }
  static std::vector<backend::run_claim> one(std::string id, std::string text) {
    return {{task_id{std::move(id)}, std::move(text)}};
  }
  bool ask(backend::result_backend* of, std::string id, std::string text) {
    return claims.ask(of, one(std::move(id), std::move(text)), 5s).value().at(0);
  }

  std::vector<std::string> lines;
  claim_keeper keeper;
  run_claims claims{1h};
};

TEST_F(RunClaims, AreTheBackends) {
  EXPECT_TRUE(ask(&keeper, "a", "x"));
  keeper.answer = false;
  EXPECT_FALSE(ask(&keeper, "a", "x"));
  EXPECT_THAT(lines, SizeIs(0));
}

TEST_F(RunClaims, AreKeptForADayAtLeastAndAsLongAsResults) {
  (void)ask(&keeper, "a", "x");
  EXPECT_EQ(keeper.kept, 24h);
  (void)run_claims{48h}.ask(&keeper, one("a", "x"), 5s);
  EXPECT_EQ(keeper.kept, 48h);
  (void)run_claims{0s}.ask(&keeper, one("a", "x"), 5s);
  EXPECT_EQ(keeper.kept, 0s) << "for ever";
}

TEST_F(RunClaims, AreNotGivenByGuessWhileTheBackendIsAway) {
  keeper.refused = errc::unavailable;
  EXPECT_EQ(claims.ask(&keeper, one("a", "x"), 5s).error().code, errc::unavailable);
  keeper.refused = errc::ok;
  EXPECT_TRUE(ask(&keeper, "a", "x"));
}

TEST_F(RunClaims, AreThisWorkersOwnWhereTheBackendKeepsNone) {
  keeper.refused = errc::not_supported;
  for (auto* of : {static_cast<backend::result_backend*>(&keeper), static_cast<backend::result_backend*>(nullptr)}) {
    auto const id = of ? "a" : "b";
    EXPECT_TRUE(ask(of, id, "x"));
    EXPECT_FALSE(ask(of, id, "y"));
    EXPECT_TRUE(ask(of, id, "x")) << "delivered again";
  }
  ASSERT_THAT(lines, SizeIs(1)) << "said once";
  EXPECT_THAT(lines[0], ::testing::HasSubstr("result_backend"));
}

}  // namespace
}  // namespace lovage::run_claims_tests
