#include "config/structured_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lovage::settings {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

value canonical(char const* name, value const& v, texts how = texts::any_type) {
  auto out = check(*find(name), v, how);
  if (!out) ADD_FAILURE() << out.error().text();
  return out ? *out : value{};
}

std::string refusal(char const* name, value const& v, texts how = texts::any_type) {
  auto const out = check(*find(name), v, how);
  return out ? "accepted" : out.error().text();
}

TEST(QueuesSetting, TakesNamesTablesListsAndJson) {
  value const names = value::map{{"high", value::map{}}, {"celery", value::map{}}};
  EXPECT_EQ(canonical("task_queues", "high, celery"), names);
  EXPECT_EQ(canonical("task_queues", value::list{"high", "celery"}), names);
  EXPECT_EQ(canonical("task_queues", R"(["high", {"name": "celery"}])"), names);
  EXPECT_EQ(canonical("task_queues", R"({"high": {}, "celery": null})"), names);
  EXPECT_EQ(canonical("task_queues", "none"), value{value::map{}});
  value const bound = value::map{
      {"news",
       value::map{{"exchange", "media"}, {"exchange_type", "topic"}, {"routing_key", "news.#"}, {"expires", 60}}}};
  EXPECT_EQ(canonical("task_queues", value::map{{"news", value::map{{"binding_key", "news.#"},
                                                                    {"exchange_type", "topic"},
                                                                    {"expires", "1m"},
                                                                    {"exchange", "media"},
                                                                    {"max_length", nullptr}}}}),
            bound);
}

TEST(QueuesSetting, ThatIsWrongIsRefusedWithTheFix) {
  auto const of = [](value options) { return value{value::map{{"q", std::move(options)}}}; };
  EXPECT_THAT(refusal("task_queues", of(value::map{{"routing_kye", "x"}})),
              HasSubstr("queue 'q': unknown option 'routing_kye'; did you mean 'routing_key'?"));
  EXPECT_THAT(refusal("task_queues", of(value::map{{"colour", "x"}})), HasSubstr("there are exchange, exchange_type"));
  EXPECT_THAT(refusal("task_queues", of(value::map{{"exchange", "x"}, {"exchange_type", "headers"}})),
              HasSubstr("exchange_type: expects one of direct, topic, fanout"));
  EXPECT_THAT(refusal("task_queues", of(value::map{{"exchange_type", "topic"}})), HasSubstr("needs its exchange"));
  EXPECT_THAT(refusal("task_queues", of(value::map{{"max_priority", 300}})), HasSubstr("from 1 to 255"));
  EXPECT_THAT(refusal("task_queues", of(value::map{{"durable", "yes"}}), texts::durations_only),
              HasSubstr("durable: expects true or false"));
  EXPECT_THAT(refusal("task_queues", of(value::map{{"routing_key", "a"}, {"binding_key", "b"}})),
              HasSubstr("routing_key stands twice"));
  EXPECT_THAT(refusal("task_queues", of("x")), HasSubstr("queue 'q' is \"x\", and takes a table"));
  EXPECT_THAT(refusal("task_queues", of(value::map{{"queue_arguments", value::map{{"x-a", datetime{}}}}})),
              HasSubstr("\"x-a\" is a datetime"));
  EXPECT_THAT(refusal("task_queues", value::list{"a", "a"}), HasSubstr("queue 'a' stands twice"));
  EXPECT_THAT(refusal("task_queues", value::list{value::map{{"exchange", "x"}}}), HasSubstr("a map without a name"));
  EXPECT_THAT(refusal("task_queues", "a,,b"), HasSubstr("a queue has no name"));
  EXPECT_THAT(refusal("task_queues", std::string(256, 'q')), HasSubstr("255 octets"));
  EXPECT_THAT(refusal("task_queues", "{broken"), HasSubstr("the text is no JSON"));
  EXPECT_THAT(refusal("task_queues", "high,low", texts::durations_only), HasSubstr("names of queues"));
  EXPECT_THAT(refusal("task_queues", 5), HasSubstr("got 5"));
}

TEST(QueuesSetting, BecomesQueuesAndBack) {
  auto const full = task_queue{"q"}
                        .exchange("x")
                        .exchange_type("topic")
                        .routing_key("k.#")
                        .argument("x-queue-type", "quorum")
                        .max_priority(5)
                        .message_ttl(1500ms)
                        .expires(60s)
                        .max_length(10)
                        .max_length_bytes(1000)
                        .durable(false)
                        .auto_delete()
                        .exclusive()
                        .broadcast(false);
  std::vector<task_queue> const queues{full, "plain"};
  EXPECT_EQ(queues_of(canonical("task_queues", value_of(queues))), queues);
}

TEST(RoutesSetting, TakesOptionsAndExpressionsListsAndJson) {
  value const rules = value::map{{"shop.*", "high"}, {R"(/^(a|b)\./)", value::map{{"queue", "x"}, {"priority", 3}}}};
  EXPECT_EQ(canonical("task_routes", value::map{{"shop.*", value::map{{"queue", "high"}}},
                                                {R"(/^(a|b)\./)", value::map{{"priority", 3}, {"queue", "x"}}}}),
            rules);
  EXPECT_EQ(
      canonical("task_routes", value::list{value::list{"shop.*", "high"},
                                           value::map{{R"(/^(a|b)\./)", value::map{{"queue", "x"}, {"priority", 3}}}}}),
      rules);
  EXPECT_EQ(canonical("task_routes", R"({"shop.*": "high", "/^(a|b)\\./": {"queue": "x", "priority": 3}})"), rules);
  EXPECT_EQ(canonical("task_routes", "none"), value{value::map{}});
  EXPECT_EQ(canonical("task_routes", value::map{{"a", value::map{{"exchange", "e"}, {"delivery_mode", 1}}}}),
            value(value::map{{"a", value::map{{"exchange", "e"}, {"delivery_mode", "transient"}}}}));
}

TEST(RoutesSetting, ThatIsWrongIsRefusedWithTheFix) {
  EXPECT_THAT(refusal("task_routes", value::map{{"a", value::map{{"qeue", "q"}}}}), HasSubstr("did you mean 'queue'?"));
  EXPECT_THAT(refusal("task_routes", value::map{{"a", value::map{{"priority", 10}}}}), HasSubstr("from 0 to 9"));
  EXPECT_THAT(refusal("task_routes", value::map{{"a", value::map{}}}), HasSubstr("says nothing"));
  EXPECT_THAT(refusal("task_routes", value::map{{"/(/", "q"}}), HasSubstr("\"/(/\" is no regular expression"));
  EXPECT_THAT(refusal("task_routes", value::map{{"/" + std::string(600, 'a') + "/", "q"}}), HasSubstr("512"));
  EXPECT_THAT(refusal("task_routes", value::list{value::list{"a"}}), HasSubstr("neither a table nor a pair"));
  EXPECT_THAT(refusal("task_routes", "a=x,b"), HasSubstr("\"b\" misses its ="));
}

TEST(RoutesSetting, BecomesRulesAndBack) {
  std::vector<task_route> const rules{
      {"a", "q"},
      {"b.*", route_options{}.exchange("e").routing_key("k").priority(2).serializer("yaml").compression("zlib")},
      {"/c/", route_options{"d"}.delivery_mode(delivery_mode::transient)}};
  EXPECT_EQ(routes_of(canonical("task_routes", value_of(rules))), rules);
}

TEST(MapSetting, TakesATableOrJson) {
  value const options = value::map{{"visibility_timeout", 3600}, {"priority_steps", value::list{0, 5}}};
  EXPECT_EQ(canonical("broker_transport_options", options), options);
  EXPECT_EQ(canonical("broker_transport_options", R"({"visibility_timeout": 3600, "priority_steps": [0, 5]})"),
            options);
  EXPECT_EQ(canonical("broker_transport_options", ""), value{value::map{}});
  EXPECT_THAT(refusal("broker_transport_options", "[1]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("broker_transport_options", value::list{}), HasSubstr("expects a table"));
  EXPECT_THAT(refusal("broker_transport_options", value::map{{"a", 1}, {"a", 2}}), HasSubstr("'a' stands twice"));
  value deep = 1;
  for (int i = 0; i < 9; ++i) deep = value::list{deep};
  EXPECT_THAT(refusal("broker_transport_options", value::map{{"a", deep}}), HasSubstr("too deep"));
}

TEST(MapSetting, ThatIsRefusedDoesNotRepeatItsText) {
  EXPECT_THAT(refusal("broker_transport_options", R"({"password": "hunter2")"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(refusal("broker_use_ssl", R"({"password": "hunter2")"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(refusal("task_queues", R"({"password": "hunter2")"), Not(HasSubstr("hunter2")));
}

TEST(TlsSetting, TakesKombusSpellingsForBothBrokers) {
  EXPECT_EQ(canonical("broker_use_ssl", true), value{true});
  EXPECT_EQ(canonical("broker_use_ssl", "off"), value{false});
  EXPECT_EQ(canonical("broker_use_ssl", "none"), value{false});
  EXPECT_EQ(canonical("broker_use_ssl", value::map{}), value{true});
  value const want = value::map{{"ca_certs", "/ca"}, {"certfile", "/c"}, {"keyfile", "/k"}, {"cert_reqs", "none"}};
  EXPECT_EQ(canonical("broker_use_ssl",
                      R"({"keyfile": "/k", "certfile": "/c", "ca_certs": "/ca", "cert_reqs": "CERT_NONE"})"),
            want);
  EXPECT_EQ(
      canonical(
          "redis_backend_use_ssl",
          value::map{{"ssl_keyfile", "/k"}, {"ssl_certfile", "/c"}, {"ssl_ca_certs", "/ca"}, {"ssl_cert_reqs", 0}}),
      want);
}

TEST(TlsSetting, ThatIsWrongIsRefused) {
  EXPECT_THAT(refusal("broker_use_ssl", "maybe"), HasSubstr("true, false, or a table of ca_certs"));
  EXPECT_THAT(refusal("broker_use_ssl", value::map{{"ca_cert", "/ca"}}), HasSubstr("did you mean 'ca_certs'?"));
  EXPECT_THAT(refusal("broker_use_ssl", value::map{{"keyfile", "/k"}}), HasSubstr("keyfile needs its certfile"));
  EXPECT_THAT(refusal("broker_use_ssl", value::map{{"cert_reqs", "perhaps"}}), HasSubstr("one of required, none"));
  EXPECT_THAT(refusal("broker_use_ssl", value::map{{"ca_certs", "a"}, {"ssl_ca_certs", "b"}}), HasSubstr("twice"));
  EXPECT_THAT(refusal("broker_use_ssl", "yes", texts::durations_only), HasSubstr("got \"yes\""));
}

TEST(TlsSetting, BecomesOptionsAndBack) {
  for (auto const& with : {tls{}, tls{false}, tls{}.verify(false),
                           tls{}.ca_certs("/a").certfile("/c").keyfile("/k").server_hostname("rabbit")})
    EXPECT_EQ(tls_of(canonical("broker_use_ssl", value_of(with))), with);
}

TEST(AnnotationsSetting, TakesTablesListsOfThemAndJson) {
  value const want = value::map{{"*", value::map{{"track_started", true}}},
                                {"shop.add", value::map{{"rate_limit", "10/m"}, {"time_limit", 90}}}};
  value const given = value::map{{"*", value::map{{"track_started", true}}},
                                 {"shop.add", value::map{{"time_limit", "1m30s"}, {"rate_limit", "10/m"}}}};
  EXPECT_EQ(canonical("task_annotations", given), want);
  EXPECT_EQ(canonical("task_annotations", given, texts::durations_only), want);
  EXPECT_EQ(canonical("task_annotations", R"({"*": {"track_started": true},
                                              "shop.add": {"rate_limit": "10/m", "time_limit": 90}})"),
            want);
  EXPECT_EQ(canonical("task_annotations", value::list{given, value::map{{"*", value::map{{"max_retries", 1}}}}}), want)
      << "the first that names a task counts, as in Celery";
  EXPECT_EQ(canonical("task_annotations", "none"), value{value::map{}});
}

TEST(AnnotationsSetting, HaveTheTypesOfCelerysAttributes) {
  auto const of = [](char const* option, value v, texts how) {
    auto const all = canonical("task_annotations", value::map{{"t", value::map{{option, std::move(v)}}}}, how);
    auto const* options = all.find("t");
    auto const* found = options ? options->find(option) : nullptr;
    return found ? *found : value{"nothing"};
  };
  for (auto const how : {texts::any_type, texts::durations_only}) {
    EXPECT_EQ(of("rate_limit", 10, how), value{"10"}) << "ten a second";
    EXPECT_EQ(of("rate_limit", "none", how), value{""}) << "whatever task_default_rate_limit says";
    EXPECT_EQ(of("max_retries", 0, how), value{0});
    EXPECT_EQ(of("max_retries", "none", how), value{}) << "for ever";
    EXPECT_EQ(of("max_retries", nullptr, how), value{});
    EXPECT_EQ(of("retry_backoff", true, how), value{1});
    EXPECT_EQ(of("retry_backoff", 4, how), value{4});
  }
  auto const for_ever = canonical("task_annotations", R"({"t": {"max_retries": null}})");
  EXPECT_EQ(canonical("task_annotations", for_ever), for_ever);
  EXPECT_EQ(show(*find("task_annotations"), for_ever), R"({"t": {"max_retries": null}})");
}

TEST(AnnotationsSetting, ThatAreWrongAreRefusedWithTheFix) {
  auto const of = [](value options) { return value{value::map{{"shop.add", std::move(options)}}}; };
  auto const misspelt = refusal("task_annotations", of(value::map{{"rate_limt", "1/s"}}));
  EXPECT_THAT(misspelt, HasSubstr("\"shop.add\": unknown option 'rate_limt'; did you mean 'rate_limit'? There are"));
  for (auto const* known : {"rate_limit", "soft_time_limit", "max_retries", "acks_on_timeout", "reject_on_worker_lost"})
    EXPECT_THAT(misspelt, HasSubstr(known));
  EXPECT_THAT(refusal("task_annotations", of(value::map{{"@before_start", "f"}})), HasSubstr("there are rate_limit"));
  EXPECT_THAT(refusal("task_annotations", of(value::map{{"acks_late", "never"}})),
              HasSubstr("acks_late: expects true or false"));
  EXPECT_THAT(refusal("task_annotations", of(value::map{{"max_retries", -1}})), HasSubstr("max_retries: expects"));
  EXPECT_THAT(refusal("task_annotations", of("10/m")), HasSubstr("\"shop.add\" is \"10/m\", and takes a table"));
  EXPECT_THAT(refusal("task_annotations", value::list{"shop.add"}), HasSubstr("an item is \"shop.add\""));
  EXPECT_THAT(refusal("task_annotations", "shop.add=10/m"), HasSubstr("the text is no JSON"));
  EXPECT_THAT(refusal("task_annotations", value::map{{"a", value::map{}}, {"a", value::map{}}}),
              HasSubstr("\"a\" stands twice"));
}

TEST(StructuredSetting, IsShownAsTextThatMeansTheSame) {
  struct row {
    char const *name, *text, *shown;
  };
  for (auto const& [name, text, shown] : {
           row{"task_queues", "high,low", "high,low"},
           row{"task_queues", R"({"a": {"max_priority": 3}})", R"({"a": {"max_priority": 3}})"},
           row{"task_routes", "a.*=b", "a.*=b"},
           row{"task_routes", R"({"/a,b/": "c"})", R"({"/a,b/": "c"})"},
           row{"task_routes", R"({"a": {"queue": "c", "priority": 1}})", R"({"a": {"queue": "c", "priority": 1}})"},
           row{"broker_use_ssl", "yes", "true"},
           row{"broker_use_ssl", R"({"ssl_ca_certs": "/a"})", R"({"ca_certs": "/a"})"},
           row{"broker_transport_options", "{}", "none"},
           row{"broker_transport_options", R"({"a": [1, null]})", R"({"a": [1, null]})"},
       }) {
    auto const v = canonical(name, text);
    EXPECT_EQ(show(*find(name), v), shown);
    EXPECT_EQ(canonical(name, show(*find(name), v)), v);
  }
}

TEST(StructuredSetting, IsShownWithoutItsPasswords) {
  auto const v = canonical("broker_transport_options",
                           R"({"master_name": "m", "sentinel_kwargs": {"password": "hunter2"}, "token": "hunter2",
                               "ssl_keyfile": "/k", "proxies": ["redis://:hunter2@h"], "password": null})");
  EXPECT_EQ(show(*find("broker_transport_options"), v),
            R"({"master_name": "m", "sentinel_kwargs": {"password": "**"}, "token": "**", "ssl_keyfile": "/k", )"
            R"("proxies": ["redis://:**@h"], "password": null})");
}

}  // namespace
}  // namespace lovage::settings
