#include "worker/revocations.hpp"

#include <gmock/gmock.h>

#include <unistd.h>
#include <cstdlib>

#include <filesystem>
#include <fstream>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Revocations : public ::testing::Test {
 protected:
  now_fn clock() {
    return [this] { return now; };
  }
  static void revoke(revocations& r, std::initializer_list<char const*> ids, time_point at) {
    std::vector<task_id> all;
    for (auto const* id : ids) all.emplace_back(id);
    r.revoke(all, at);
  }
  time_point now{1'700'000'000s};
};

TEST_F(Revocations, are_forgotten_after_their_time) {
  revocations r{{10, 60s}, clock()};
  revoke(r, {"a"}, now);
  EXPECT_TRUE(r.is_revoked(task_id{"a"}));
  EXPECT_FALSE(r.is_revoked(task_id{"b"}));
  now += 60s;
  EXPECT_FALSE(r.is_revoked(task_id{"a"}));
  EXPECT_THAT(r.ids(), IsEmpty());
}

TEST_F(Revocations, are_the_newest_when_there_are_too_many) {
  revocations r{{2, 60s}, clock()};
  revoke(r, {"a", "b", "a", "c"}, now);
  EXPECT_THAT(r.ids(), ElementsAre(task_id{"a"}, task_id{"c"}));
}

TEST_F(Revocations, meet_stamped_headers_with_one_value_or_several) {
  revocations r{{}, clock()};
  r.revoke_stamps("customer", {"7", "8"}, now);
  EXPECT_TRUE(r.is_revoked(task_id{"x"}, {{"customer", "7"}}));
  EXPECT_TRUE(r.is_revoked(task_id{"x"}, {{"customer", value::list{"1", "8"}}}));
  EXPECT_TRUE(r.is_revoked(task_id{"x"}, {{"customer", 7}})) << "as Python may have stamped it";
  EXPECT_TRUE(r.is_revoked(task_id{"x"}, {{"customer", value::list{1, 8}}}));
  EXPECT_FALSE(r.is_revoked(task_id{"x"}, {{"customer", "9"}, {"other", "7"}}));
  EXPECT_THAT(r.ids(), IsEmpty()) << "they are no ids";
}

TEST_F(Revocations, count_up_when_something_new_comes) {
  revocations r{{}, clock()};
  auto const before = r.version();
  revoke(r, {"a"}, now);
  auto const after = r.version();
  EXPECT_GT(after, before);
  EXPECT_THAT(r.revoke(std::vector{task_id{"a"}, task_id{"b"}}, now),
              ElementsAre(::testing::Field(&broker::revocation::text, "b")));
  EXPECT_GT(r.version(), after);
  auto const last = r.version();
  revoke(r, {"a", "b"}, now);
  EXPECT_EQ(r.version(), last);
}

TEST_F(Revocations, are_told_to_a_peer_and_learnt_from_it) {
  revocations one{{}, clock()}, two{{}, clock()};
  revoke(one, {"a", "b"}, now);
  auto const told = one.to_value();
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[0].key, "a");
  EXPECT_EQ(told[0].val, (value{value::list{1'700'000'000.0, "a"}}));
  two.merge(told);
  two.merge(value::map{{"rubbish", 7}});
  two.merge("rubbish");
  EXPECT_THAT(two.ids(), ElementsAre(task_id{"a"}, task_id{"b"}));
  two.merge(value::list{"of-celery-5.7", 7, ""});
  EXPECT_THAT(two.ids(), ElementsAre(task_id{"a"}, task_id{"b"}, task_id{"of-celery-5.7"}));
}

TEST_F(Revocations, survive_in_a_file) {
  auto const path = ::testing::TempDir() + "lovage-revoked-" + std::to_string(::getpid());
  revocations one{{}, clock()};
  EXPECT_TRUE(one.load(path)) << "a file that is not there yet";
  revoke(one, {"a", "new\nline\\n"}, now);
  one.revoke_stamps("k", {"v"}, now);
  ASSERT_TRUE(one.save(path));
  revocations two{{}, clock()};
  ASSERT_TRUE(two.load(path));
  EXPECT_EQ(two.ids(), one.ids());
  EXPECT_TRUE(two.is_revoked(task_id{"x"}, {{"k", "v"}}));
  std::ofstream{path} << "\x13\x57\x9a\xce a shelve";
  EXPECT_EQ(two.load(path).error().code, errc::decode);
  std::filesystem::remove(path);
}

TEST_F(Revocations, have_the_bounds_of_the_environment) {
  ::setenv("CELERY_WORKER_REVOKES_MAX", "7", 1);
  ::setenv("CELERY_WORKER_REVOKE_EXPIRES", "12.5", 1);
  auto const limits = revocation_limits::from_environment();
  ::unsetenv("CELERY_WORKER_REVOKES_MAX");
  ::unsetenv("CELERY_WORKER_REVOKE_EXPIRES");
  EXPECT_EQ(limits.most, 7U);
  EXPECT_EQ(limits.expires, 12s);
  EXPECT_EQ(revocation_limits::from_environment().most, 50'000U);
}

}  // namespace
}  // namespace lovage::work
