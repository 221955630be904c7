#include "sql/session_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace lovage::sql {
namespace {

using namespace std::chrono_literals;

/// A server that can be told to be away, and its connections.
struct scripted_server {
  int opened = 0;
  int refuses = 0;  ///< so many times
};

class scripted_session final : public session {
 public:
  [[nodiscard]] dialect kind() const noexcept override { return dialect::sqlite; }
  [[nodiscard]] bool alive() const noexcept override { return alive_; }
  expected<result> run(std::string_view, std::span<cell const>, deadline) override { return result{}; }
  expected<std::uint64_t> run_each(std::string_view, std::span<row const>, deadline) override {
    return std::uint64_t{0};
  }
  expected<void> script(std::string_view, deadline) override { return {}; }
  expected<void> begin(deadline) override { return {}; }
  expected<void> commit(deadline) override { return {}; }
  void rollback(deadline) noexcept override {}
  void die() { alive_ = false; }

 private:
  bool alive_ = true;
};

session_pool pool_on(scripted_server& server, std::size_t most) {
  return session_pool{[&server](deadline) -> expected<std::unique_ptr<session>> {
                        if (server.refuses > 0) {
                          --server.refuses;
                          return fail(errc::unavailable, "away");
                        }
                        ++server.opened;
                        return std::unique_ptr<session>{std::make_unique<scripted_session>()};
                      },
                      dialect::sqlite, most};
}

void die(session& on) { static_cast<scripted_session&>(on).die(); }

TEST(SessionPool, lends_the_same_connection_again) {
  scripted_server server;
  auto pool = pool_on(server, 2);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.lend(1s));
  EXPECT_EQ(server.opened, 1);
}

TEST(SessionPool, opens_no_more_than_it_may_and_waits_for_one_that_comes_back) {
  scripted_server server;
  auto pool = pool_on(server, 1);
  std::optional<session_pool::lease> held{pool.lend(1s).value()};
  auto const none = pool.lend(deadline::now());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::timeout);
  std::atomic<bool> has = false;
  std::thread other{[&] { has = pool.lend(30s).has_value(); }};
  held.reset();
  other.join();
  EXPECT_TRUE(has);
  EXPECT_EQ(server.opened, 1);
}

TEST(SessionPool, drops_a_dead_connection_and_those_that_lie_idle) {
  scripted_server server;
  auto pool = pool_on(server, 3);
  { auto const a = pool.lend(1s).value(), b = pool.lend(1s).value(); }
  {
    auto const a = pool.lend(1s).value();
    die(*a);
  }
  auto const a = pool.lend(1s).value();
  EXPECT_EQ(server.opened, 3);
}

TEST(SessionPool, does_it_again_after_a_lost_connection_and_a_conflict) {
  scripted_server server;
  server.refuses = 1;
  auto pool = pool_on(server, 1);
  int tries = 0;
  auto const got = pool.run(30s, [&](session& on) -> expected<int> {
    if (++tries == 1) return die(on), fail(errc::unavailable, "lost");
    if (tries == 2) return fail(errc::conflict, "again");
    return 7;
  });
  EXPECT_EQ(got.value(), 7);
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(server.opened, 2);
}

TEST(SessionPool, gives_up_at_the_deadline_and_at_once_for_what_time_does_not_heal) {
  scripted_server server;
  server.refuses = 1'000;
  auto pool = pool_on(server, 1);
  EXPECT_EQ(pool.run(50ms, [](session&) -> expected<int> { return 1; }).error().code, errc::unavailable);
  server.refuses = 0;
  int tries = 0;
  auto const got =
      pool.run(30s, [&](session&) -> expected<int> { return ++tries, fail(errc::bad_config, "no table"); });
  EXPECT_EQ(got.error().code, errc::bad_config);
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace lovage::sql
