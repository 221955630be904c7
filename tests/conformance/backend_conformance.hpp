// What every result backend does alike. A driver's test names itself with INSTANTIATE_TEST_SUITE_P and runs all of it.
#pragma once

#include "backend/result_backend.hpp"
#include "core/clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

namespace lovage::backend {

/// A backend on a store that no other test uses.
struct opened_backend {
  opened_backend(std::shared_ptr<result_backend> made) : on{std::move(made)} {}
  std::shared_ptr<result_backend> on;
  /// Where `traits::clock_of_server`: makes the server believe that time has passed.
  std::function<void(std::chrono::milliseconds)> pass_time = {};
  /// Where not `traits::readable_by_all`: the name under which `on` reads.
  std::string reply_to = {};
};

/// `open` is called once per test.
struct conformance_driver {
  char const* name;
  std::function<opened_backend(now_fn now)> open;
};

class BackendConformance : public ::testing::TestWithParam<conformance_driver> {
 protected:
  void SetUp() override;

  [[nodiscard]] wire::result_record record(std::string id, std::string status, value result = {}) const;
  void store(wire::result_record const& r, std::chrono::seconds expires = std::chrono::hours{1});
  [[nodiscard]] wire::result_record fetch(std::string const& id);
  /// Waits until all that was stored can be read.
  void settle();
  void advance(std::chrono::milliseconds by);

  std::shared_ptr<result_backend> backend_;
  traits can_;

 private:
  std::function<void(std::chrono::milliseconds)> pass_time_;
  std::string reply_to_;
  std::atomic<std::int64_t> ahead_{0};
  std::atomic<int> fences_{0};
};

/// For drivers with `traits::chords`: one chord, "g".
class BackendChords : public BackendConformance {
 protected:
  void SetUp() override {
    BackendConformance::SetUp();
    ASSERT_TRUE(can_.chords);
  }
  void start(std::int64_t size, value body = {}) {
    ASSERT_TRUE(backend_->start_chords(std::vector{chord_start{"g", size, std::move(body)}}, hour, limit));
  }
  static chord_part part(std::int64_t index, value result = {}) {
    return {"g", index, task_id{"m" + std::to_string(index)}, wire::state::success, std::move(result)};
  }
  std::vector<chord_end> count(std::vector<chord_part> const& parts, value const& body = {}) {
    auto out = backend_->count_parts(parts, std::vector<value>(parts.size(), body), hour, limit);
    EXPECT_TRUE(out) << out.error().text();
    return out ? *std::move(out) : std::vector<chord_end>{};
  }
  void grow(std::vector<std::string> const& ids) {
    std::vector<task_id> const added(ids.begin(), ids.end());
    ASSERT_TRUE(backend_->grow_chord("g", added, limit));
  }
  std::vector<chord_end> orphans() { return backend_->claim_chords(10, limit).value(); }

 private:
  static constexpr std::chrono::seconds hour{3600}, limit{5};
};

/// For drivers whose claims others see: all but `rpc://`.
class BackendRuns : public BackendConformance {
 protected:
  bool claim(std::string id, std::string text, std::chrono::seconds keep = std::chrono::hours{1}) {
    auto const mine = backend_->claim_runs(std::vector{run_claim{task_id{std::move(id)}, std::move(text)}}, keep,
                                           std::chrono::seconds{5});
    EXPECT_TRUE(mine) << mine.error().text();
    return mine && mine->at(0);
  }
};

}  // namespace lovage::backend
