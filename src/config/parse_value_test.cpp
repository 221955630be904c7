#include "config/parse_value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace lovage::settings {
namespace {

using ::testing::HasSubstr;

struct good {
  char const* name;
  value in;
  value out;
};

TEST(SettingValue, IsReadByTheSettingsType) {
  good const cases[] = {
      {"worker_concurrency", "8", 8},
      {"worker_concurrency", " 8 ", 8},
      {"worker_concurrency", 0, 0},
      {"task_default_priority", "none", nullptr},
      {"task_default_priority", 9, 9},
      {"task_acks_late", "yes", true},
      {"task_acks_late", "OFF", false},
      {"task_acks_late", "0", false},
      {"task_acks_late", true, true},
      {"enable_utc", "on", true},
      {"result_expires", "24h", 86400},
      {"result_expires", "never", 0},
      {"result_expires", 3600, 3600},
      {"result_expires", 0.25, 0.25},
      {"task_time_limit", "1.5", 1.5},
      {"task_time_limit", "1m30s", 90},
      {"task_time_limit", "250ms", 0.25},
      {"task_time_limit", 0.0001, 0.001},
      {"worker_pool", "processes", "prefork"},
      {"worker_pool", "gevent", "coroutine"},
      {"worker_pool", "Threads", "threads"},
      {"task_compression", "none", ""},
      {"task_compression", "zstd", "zstd"},
      {"task_default_queue", "high", "high"},
      {"broker_url", "redis://:pw@h/0", "redis://:pw@h/0"},
      {"broker_url", "amqp://a;amqp://b", "amqp://a;amqp://b"},
      {"result_backend", "disabled", ""},
      {"result_backend", "rpc", "rpc://"},
      {"result_backend", "redis", "redis://"},
      {"broker_url", value::list{"amqp://a", " amqp://b"}, "amqp://a;amqp://b"},
      {"broker_read_url", "none", ""},
      {"broker_heartbeat", 0, 0},
      {"broker_connection_max_retries", "none", nullptr},
      {"broker_failover_strategy", "Shuffle", "shuffle"},
      {"task_default_delivery_mode", 1, "transient"},
      {"task_default_delivery_mode", "2", "persistent"},
      {"task_default_exchange", "none", ""},
      {"accept_content", "json, msgpack", value::list{"json", "msgpack"}},
      {"accept_content", value::list{"application/json"}, value::list{"application/json"}},
      {"task_routes", "a.*=high, b=low", value::map{{"a.*", "high"}, {"b", "low"}}},
      {"task_routes", value::map{{"a", value::map{{"queue", "q"}}}}, value::map{{"a", "q"}}},
      {"task_routes", "", value::map{}},
  };
  for (auto const& c : cases) {
    auto const got = check(*find(c.name), c.in, texts::any_type);
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(*got, c.out) << c.name;
  }
}

TEST(SettingValue, ThatCannotBeRightIsRefusedWithWhatIsExpected) {
  struct bad {
    char const* name;
    value in;
    char const* says;
  };
  bad const cases[] = {
      {"worker_concurrency", "many", "expects an integer from 0 to 10000, such as 8; got \"many\""},
      {"worker_concurrency", -1, "got -1"},
      {"worker_concurrency", "8x", "got \"8x\""},
      {"worker_concurrency", 2.0, "got 2"},
      {"worker_concurrency", UINT64_MAX, "got 18446744073709551615"},
      {"worker_concurrency", "99999999999999999999", "an integer"},
      {"worker_concurrency", true, "got true"},
      {"task_default_priority", 10, "from 0 to 9, or none"},
      {"task_acks_late", "maybe", "expects true or false"},
      {"task_acks_late", 1, "got 1"},
      {"enable_utc", false, "expects true"},
      {"result_expires", -1, "seconds from 0"},
      {"result_expires", std::numeric_limits<double>::quiet_NaN(), "seconds from 0"},
      {"result_expires", std::numeric_limits<double>::infinity(), "seconds from 0"},
      {"result_expires", "10 parsecs", "seconds"},
      {"result_expires", "inf", "seconds"},
      {"result_expires", "", "seconds"},
      {"result_expires", datetime{}, "got a datetime"},
      {"broker_operation_timeout", 0, "from 0.001"},
      {"worker_pool", "fibers", "one of prefork, threads, solo, coroutine,"},
      {"task_serializer", "pickle", "json, msgpack, yaml"},
      {"task_serializer", "", "json"},
      {"task_compression", "rar", "zstd"},
      {"task_default_queue", " ", "not empty"},
      {"task_default_queue", std::string{"a\0b", 3}, "zero byte"},
      {"broker_url", "redis", "begins with its scheme"},
      {"broker_url", 5, "a URL"},
      {"broker_url", "", "begins with its scheme"},
      {"broker_url", value::list{}, "the list is empty"},
      {"broker_url", value::list{"amqp://a", "b"}, "an item is \"b\""},
      {"broker_url", value::list{7}, "an item is 7"},
      {"task_default_delivery_mode", 3, "one of persistent, transient"},
      {"task_default_queue_type", "stream", "one of classic, quorum"},
      {"task_queue_max_priority", 256, "from 1 to 255"},
      {"accept_content", value::list{}, "empty"},
      {"accept_content", "json,pickle", "\"pickle\""},
      {"accept_content", value::list{1}, "an item is 1"},
      {"task_routes", "a", "a table of task names"},
      {"task_routes", "a=x,a=y", "stands twice"},
      {"task_routes", value::map{{"a", value::map{{"queue", "q"}, {"exchange", "e"}}}}, "one of them is enough"},
      {"task_routes", value::map{{"a", 5}}, "the rule \"a\" is 5, and takes a queue"},
      {"task_routes", true, "a table"},
  };
  for (auto const& c : cases) {
    auto const got = check(*find(c.name), c.in, texts::any_type);
    ASSERT_FALSE(got) << c.name << " " << c.says;
    EXPECT_EQ(got.error().code, errc::bad_config);
    EXPECT_THAT(got.error().detail, HasSubstr(c.says));
    EXPECT_THAT(got.error().detail, ::testing::StartsWith(c.name));
  }
}

TEST(SettingValue, InATypedFileOnlyDurationsMayBeText) {
  EXPECT_TRUE(check(*find("result_expires"), "1d", texts::durations_only));
  EXPECT_FALSE(check(*find("worker_concurrency"), "8", texts::durations_only));
  EXPECT_FALSE(check(*find("task_acks_late"), "true", texts::durations_only));
  EXPECT_FALSE(check(*find("accept_content"), "json", texts::durations_only));
}

TEST(SettingValue, ThatIsRefusedShowsNoPassword) {
  auto const got = check(*find("broker_url"), "redis://:hun#ter2@h/0", texts::any_type);
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().detail, ::testing::Not(HasSubstr("ter2")));
  auto const elsewhere = check(*find("worker_concurrency"), "redis://:hunter2@h/0", texts::any_type);
  EXPECT_THAT(elsewhere.error().detail, HasSubstr("redis://:**@h/0"));
}

TEST(Seconds, AreNumbersOrSumsOfUnits) {
  struct row {
    char const* text;
    double seconds;
  };
  for (auto const& [text, seconds] :
       {row{"90", 90}, row{"1.5", 1.5}, row{"10s", 10}, row{"5m", 300}, row{"24h", 86400}, row{"1d", 86400},
        row{"1w", 604800}, row{"1h30m", 5400}, row{"250ms", 0.25}, row{"Never", 0}, row{"0", 0}}) {
    ASSERT_TRUE(parse_seconds(text)) << text;
    EXPECT_DOUBLE_EQ(*parse_seconds(text), seconds) << text;
  }
  for (auto const* text : {"", "s", "10 s", "10x", "1h30", "--1", "1e", "10S"})
    EXPECT_FALSE(parse_seconds(text)) << text;
}

}  // namespace
}  // namespace lovage::settings
