#include "app/task_options.hpp"

#include "app/app_state.hpp"
#include "app/registry.hpp"

#include <gtest/gtest.h>

namespace lovage {
namespace {

constexpr task<void()> plain{"t.plain"};
constexpr task<void()> limited{"t.limited"};

task_options of(config const& settings, limits const& own) {
  return task_options::merge(task_options::defaults(settings), own.options());
}

TEST(TaskOptions, WhatIsSaidOfOneKindOfFailureGoesOverWhatIsSaidOfBoth) {
  auto const both_off = config{}.task_acks_on_failure_or_timeout(false);
  EXPECT_TRUE(of({}, {}).acknowledges_failure() && of({}, {}).acknowledges_timeout());
  EXPECT_FALSE(of(both_off, {}).acknowledges_failure() || of(both_off, {}).acknowledges_timeout());

  auto const failures_on = config{both_off}.task_acks_on_failure(true);
  EXPECT_TRUE(of(failures_on, {}).acknowledges_failure());
  EXPECT_FALSE(of(failures_on, {}).acknowledges_timeout());
  EXPECT_FALSE(of(failures_on, limits{}.acks_on_failure(false)).acknowledges_failure()) << "the task's own word";
  EXPECT_TRUE(of(failures_on, limits{}.acks_on_timeout(true)).acknowledges_timeout());
  // As Celery resolves it: the newer name, of the task or of the configuration, before the older one of either.
  EXPECT_TRUE(of(failures_on, limits{}.acks_on_failure_or_timeout(false)).acknowledges_failure());
  EXPECT_FALSE(of({}, limits{}.acks_on_failure_or_timeout(false)).acknowledges_failure());
}

class Annotations : public ::testing::Test {
 protected:
  task_options of(char const* task, value::map annotations) {
    app on{config{}.broker_url("memory://annotations").task_annotations(std::move(annotations))};
    on.tasks().define(plain, [] {});
    on.tasks().define(
        limited, [] {}, limits{}.rate_limit("1/h").max_retries(9).track_started());
    auto const& entry = *on.tasks().internals().find(task);
    return task_options::merge(task_options::defaults(on.settings()), entry.spec);
  }
};

TEST_F(Annotations, GoOverWhatTheTaskSays) {
  auto const o = of("t.limited", {{"t.limited", value::map{{"rate_limit", "10/m"}, {"time_limit", 5}}}});
  EXPECT_EQ(o.rate_limit, "10/m");
  EXPECT_EQ(o.time_limit_s, 5);
  EXPECT_EQ(o.max_retries, 9) << "what they do not name stays";
  EXPECT_EQ(of("t.plain", {{"t.limited", value::map{{"rate_limit", "10/m"}}}}).rate_limit, "");
}

TEST_F(Annotations, OfEveryTaskComeBeforeThoseOfOne) {
  value::map const both{{"t.limited", value::map{{"rate_limit", "10/m"}}},
                        {"*", value::map{{"rate_limit", "1/s"}, {"track_started", false}}}};
  EXPECT_EQ(of("t.limited", both).rate_limit, "10/m");
  EXPECT_FALSE(of("t.limited", both).track_started);
  EXPECT_EQ(of("t.plain", both).rate_limit, "1/s");
}

TEST_F(Annotations, AreNamesAndNoGlobs) {
  EXPECT_EQ(of("t.plain", {{"t.*", value::map{{"time_limit", 5}}}}).time_limit_s, 0);
}

TEST_F(Annotations, SetEveryOptionThatTheSettingTakes) {
  auto const o = of("t.plain", {{"*", value::map{{"max_retries", nullptr},
                                                 {"default_retry_delay", 1},
                                                 {"retry_backoff", 2},
                                                 {"retry_backoff_max", 3},
                                                 {"retry_jitter", false},
                                                 {"soft_time_limit", 4},
                                                 {"time_limit", 5},
                                                 {"ignore_result", true},
                                                 {"store_errors_even_if_ignored", true},
                                                 {"acks_late", false},
                                                 {"track_started", true},
                                                 {"reject_on_worker_lost", false},
                                                 {"acks_on_failure_or_timeout", false},
                                                 {"acks_on_failure", true},
                                                 {"acks_on_timeout", true},
                                                 {"rate_limit", 7}}}});
  EXPECT_EQ(o.max_retries, std::nullopt);
  EXPECT_EQ(o.default_retry_delay_s, 1);
  EXPECT_EQ(o.retry_backoff_s, 2);
  EXPECT_EQ(o.retry_backoff_max_s, 3);
  EXPECT_FALSE(o.retry_jitter);
  EXPECT_EQ(o.soft_time_limit_s, 4);
  EXPECT_EQ(o.time_limit_s, 5);
  EXPECT_TRUE(o.ignore_result);
  EXPECT_TRUE(o.store_errors_even_if_ignored);
  EXPECT_FALSE(o.acks_late);
  EXPECT_TRUE(o.track_started);
  EXPECT_FALSE(o.reject_on_worker_lost);
  EXPECT_FALSE(o.acks_on_failure_or_timeout);
  EXPECT_EQ(o.acks_on_failure, true);
  EXPECT_EQ(o.acks_on_timeout, true);
  EXPECT_EQ(o.rate_limit, "7");
}

TEST_F(Annotations, OfTheResultCountForWhoSendsToo) {
  app on{
      config{}.broker_url("memory://annotations").task_annotations({{"t.plain", value::map{{"ignore_result", true}}}})};
  on.tasks().define(plain, [] {});
  raw_call call{"t.plain", {}, 0, {}, {}};
  EXPECT_TRUE(detail::message_of(std::move(call), *on.state()).value().ignore_result);
}

}  // namespace
}  // namespace lovage
