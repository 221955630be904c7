#include "config/config_access.hpp"

#include <lovage/config.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal(auto&& act) {
  try {
    act();
  } catch (error const& e) {
    EXPECT_EQ(e.code(), errc::bad_config);
    return e.what();
  }
  return "accepted";
}

TEST(Config, GivesBackWhatWasSet) {
  auto const c = config{}
                     .broker_url("redis://localhost/0")
                     .result_backend("redis://localhost/1")
                     .accept_content({"json", "msgpack"})
                     .task_default_priority(5)
                     .task_routes({{"shop.*", "high"}, {"mail.send", "low"}})
                     .task_acks_late(false)
                     .task_time_limit(90s)
                     .task_soft_time_limit(1500ms)
                     .result_expires(24h)
                     .worker_concurrency(8U)
                     .worker_pool("threads");
  EXPECT_EQ(c.broker_url(), "redis://localhost/0");
  EXPECT_EQ(c.result_backend(), "redis://localhost/1");
  EXPECT_THAT(c.accept_content(), ElementsAre("json", "msgpack"));
  EXPECT_EQ(c.task_default_priority(), 5);
  EXPECT_THAT(c.task_routes(), ElementsAre(task_route{"shop.*", "high"}, task_route{"mail.send", "low"}));
  EXPECT_FALSE(c.task_acks_late());
  EXPECT_EQ(c.task_time_limit(), 90s);
  EXPECT_EQ(c.task_soft_time_limit(), 1500ms);
  EXPECT_EQ(c.result_expires(), 24h);
  EXPECT_EQ(c.worker_concurrency(), 8);
  EXPECT_EQ(c.worker_pool(), "threads");
  EXPECT_EQ(c.origin("worker_pool"), "code");
}

TEST(Config, HasTheDocumentedDefaults) {
  config const c;
  EXPECT_THAT(c.accept_content(), ElementsAre("json"));
  EXPECT_EQ(c.task_serializer(), "json");
  EXPECT_EQ(c.task_compression(), "");
  EXPECT_EQ(c.task_default_queue(), "celery");
  EXPECT_EQ(c.task_default_priority(), std::nullopt);
  EXPECT_TRUE(c.task_routes().empty());
  EXPECT_TRUE(c.task_acks_late());
  EXPECT_TRUE(c.task_reject_on_worker_lost());
  EXPECT_FALSE(c.task_ignore_result());
  EXPECT_EQ(c.task_time_limit(), 0ms);
  EXPECT_EQ(c.task_delivery_limit(), 5);
  EXPECT_EQ(c.broker_operation_timeout(), 10s);
  EXPECT_EQ(c.result_expires(), 24h);
  EXPECT_EQ(c.worker_concurrency(), 0);
  EXPECT_EQ(c.worker_pool(), "prefork");
  EXPECT_EQ(c.worker_prefetch_multiplier(), 4);
  EXPECT_EQ(c.origin("worker_pool"), "default");
}

TEST(Config, KnowsFlagsThatMayBeUnset) {
  EXPECT_EQ(config{}.task_acks_on_failure(), std::nullopt);
  EXPECT_EQ(config{}.task_acks_on_failure(false).task_acks_on_failure(), false);
  EXPECT_EQ(config{}.task_acks_on_failure(true).task_acks_on_failure(std::nullopt).task_acks_on_failure(),
            std::nullopt);
  EXPECT_EQ(config{}.set("task_acks_on_timeout", "no").task_acks_on_timeout(), false);
  EXPECT_EQ(config{}.set("task_acks_on_timeout", true).set("task_acks_on_timeout", "none").task_acks_on_timeout(),
            std::nullopt);
  EXPECT_EQ(refusal([] { config{}.set("task_acks_on_timeout", "perhaps"); }),
            "task_acks_on_timeout: expects true, false, or none, such as false; got \"perhaps\"");
}

TEST(Config, TakesQueuesMapsAndEncryption) {
  auto const c = config{}
                     .task_queues({"high", task_queue{"news"}.exchange("media").exchange_type("topic")})
                     .broker_transport_options({{"visibility_timeout", 60}})
                     .broker_use_ssl(true)
                     .redis_backend_use_ssl(tls{}.ca_certs("/ca.pem"));
  EXPECT_THAT(c.task_queues(),
              ElementsAre(task_queue{"high"}, task_queue{"news"}.exchange("media").exchange_type("topic")));
  EXPECT_EQ(c.broker_transport_options(), (value::map{{"visibility_timeout", 60}}));
  EXPECT_EQ(c.broker_use_ssl(), tls{});
  EXPECT_EQ(c.redis_backend_use_ssl(), tls{}.ca_certs("/ca.pem"));
  EXPECT_EQ(config{}.broker_use_ssl(), tls{false});
  EXPECT_THAT(refusal([] { config{}.task_queues({"a", "a"}); }), HasSubstr("twice"));
  EXPECT_THAT(refusal([] { config{}.task_routes({{"/(/", "q"}}); }), HasSubstr("no regular expression"));
}

TEST(Config, ReadsAndWritesOneBrokerUnlessToldApart) {
  EXPECT_EQ(config{}.broker_url("redis://h").broker_read_url(), "redis://h");
  auto const c = config{}.broker_url("redis://h").broker_write_url("redis://w");
  EXPECT_EQ(c.broker_read_url(), "redis://h");
  EXPECT_EQ(c.broker_write_url(), "redis://w");
}

TEST(Config, FollowsTheBrokerForResultsWhereTheBrokerKeepsThem) {
  EXPECT_EQ(config{}.broker_url("memory://").result_backend(), "memory://");
  EXPECT_EQ(config{}.broker_url("sqlite:///a.db").result_backend(), "sqlite:///a.db");
  EXPECT_EQ(config{}.broker_url("redis://h").result_backend(), "");
  EXPECT_EQ(config{}.result_backend("disabled").result_backend(), "");
  EXPECT_THAT(config{}.broker_url(), HasSubstr("/lovage/lovage.db"));
}

TEST(Config, IsSetByNameAndGivesValues) {
  config c;
  c.set("worker_concurrency", 4).set("result_expires", "1h").set("CELERY_ACKS_LATE", "no").set("task_time_limit", 0.5);
  EXPECT_EQ(c.get("worker_concurrency"), value{4});
  EXPECT_EQ(c.get("result_expires"), value{3600});
  EXPECT_EQ(c.get("task_acks_late"), value{false});
  EXPECT_EQ(c.get("task_time_limit"), value{0.5});
  EXPECT_TRUE(c.get("task_default_priority").is_null());
  EXPECT_TRUE(c.get("worker_direct").is_null());
  EXPECT_EQ(c.get("worker_pool"), value{"prefork"});
}

TEST(Config, GoesBackToTheDefaultWithNull) {
  config c;
  c.worker_concurrency(4).set("worker_concurrency", nullptr);
  EXPECT_FALSE(c.is_set("worker_concurrency"));
  EXPECT_EQ(c.worker_concurrency(), 0);
  c.task_default_priority(3).task_default_priority({});
  EXPECT_EQ(c.task_default_priority(), std::nullopt);
}

TEST(Config, RefusesWhatCannotBeRightAndStaysAsItWas) {
  config c;
  c.worker_concurrency(2);
  EXPECT_THAT(refusal([&] { c.worker_concurrency(-1); }), HasSubstr("got -1"));
  EXPECT_THAT(refusal([&] { c.worker_concurrency(1LL << 40); }), HasSubstr("10000"));
  EXPECT_THAT(refusal([&] { c.result_expires(-1s); }), HasSubstr("from 0"));
  EXPECT_THAT(refusal([&] { c.result_expires(std::chrono::hours::max() / 3600000); }), HasSubstr("from 0"));
  EXPECT_THAT(refusal([&] { c.task_routes({{"a", "x"}, {"a", "y"}}); }), HasSubstr("twice"));
  EXPECT_EQ(refusal([&] { c.set("task_serialiser", "json"); }),
            "unknown setting 'task_serialiser'; did you mean 'task_serializer'?");
  EXPECT_EQ(refusal([&] { (void)c.get("task_serialiser"); }),
            "unknown setting 'task_serialiser'; did you mean 'task_serializer'?");
  EXPECT_THAT(refusal([&] { (void)c.origin("zzz"); }), HasSubstr("unknown setting"));
  EXPECT_EQ(c.worker_concurrency(), 2);
}

TEST(Config, WarnsOnceOfASettingWithoutEffect) {
  config c;
  c.set("worker_direct", true).set("WORKER_DIRECT", false);
  EXPECT_THAT(c.warnings(), ElementsAre("worker_direct: known to Celery, has no effect in lovage 0.1"));
}

TEST(Config, TakesOptionsAsCelerysCommandLineGivesThem) {
  config c;
  c.set_option("worker.prefetch_multiplier=10").set_option("concurrency=3").set_option("task_routes=a.*=high");
  c.set_option("broker.url=redis://h/0?a=b");
  EXPECT_EQ(c.worker_prefetch_multiplier(), 10);
  EXPECT_EQ(c.worker_concurrency(), 3);
  EXPECT_THAT(c.task_routes(), ElementsAre(task_route{"a.*", "high"}));
  EXPECT_EQ(c.broker_url(), "redis://h/0?a=b");
  EXPECT_EQ(c.origin("worker_concurrency"), "option");
  EXPECT_THAT(refusal([&] { c.set_option("concurrency"); }), HasSubstr("name=value"));
  EXPECT_EQ(refusal([&] { c.set_option("worker.conc=1"); }).find("unknown setting 'worker_conc'"), 0U);
}

TEST(Config, IsReportedWithOriginsAndWithoutSecrets) {
  config c;
  c.broker_url("redis://:hunter2@h/0").result_expires(12h).set("worker_pool", "solo", "option");
  config_access::apply_toml(c, "accept_content = [\"json\", \"yaml\"]\n", "lovage.toml").value();
  EXPECT_EQ(humanize(c),
            "broker_url = redis://:**@h/0   # code\n"
            "accept_content = json,yaml   # lovage.toml:1\n"
            "result_expires = 43200   # code\n"
            "worker_pool = solo   # option\n");
  auto const all = humanize(c, true);
  EXPECT_THAT(all, HasSubstr("result_backend = disabled   # default\n"));
  EXPECT_THAT(all, HasSubstr("task_time_limit = none   # default\n"));
  EXPECT_THAT(all, HasSubstr("task_acks_late = true   # default\n"));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("hunter2")));
  EXPECT_EQ(humanize(config{}), "");
}

}  // namespace
}  // namespace lovage
