#include "config/config_access.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace lovage {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

config read(std::string_view text) {
  config out;
  config_access::apply_toml(out, text, "lovage.toml").value();
  return out;
}

std::string refusal(std::string_view text) {
  config out;
  auto const got = config_access::apply_toml(out, text, "lovage.toml");
  return got ? "accepted" : got.error().text();
}

TEST(ConfigFile, MayUseFullNamesOrSections) {
  auto const flat = read("task_serializer = \"msgpack\"\nworker_concurrency = 8\nresult_expires = \"12h\"\n");
  auto const parts = read("[task]\nserializer = \"msgpack\"\n[worker]\nconcurrency = 8\n[result]\nexpires = 43200\n");
  for (auto const& c : {flat, parts}) {
    EXPECT_EQ(c.task_serializer(), "msgpack");
    EXPECT_EQ(c.worker_concurrency(), 8);
    EXPECT_EQ(c.result_expires(), 12h);
    EXPECT_TRUE(c.warnings().empty());
  }
  EXPECT_EQ(flat.origin("worker_concurrency"), "lovage.toml:2");
  EXPECT_EQ(parts.origin("worker_concurrency"), "lovage.toml:4");
}

TEST(ConfigFile, KeepsTheOrderOfRoutes) {
  auto const want = ElementsAre(task_route{"z.*", "first"}, task_route{"a.b", "second"}, task_route{"*", "third"});
  EXPECT_THAT(
      read("[task_routes]\n\"z.*\" = \"first\"\n\"a.b\" = {queue = \"second\"}\n\"*\" = \"third\"\n").task_routes(),
      want);
  EXPECT_THAT(read("[task]\nroutes = {\"z.*\" = \"first\", \"a.b\" = \"second\", \"*\" = \"third\"}\n").task_routes(),
              want);
  EXPECT_THAT(read("[task.routes]\n\"z.*\" = \"first\"\n\"a.b\" = \"second\"\n\"*\" = \"third\"\n").task_routes(),
              want);
}

TEST(ConfigFile, AnnotatesTasks) {
  value::map const want{{"shop.add", value::map{{"rate_limit", "10/m"}, {"time_limit", 60}}},
                        {"*", value::map{{"acks_late", false}}}};
  EXPECT_EQ(read("[task.annotations.\"shop.add\"]\nrate_limit = \"10/m\"\ntime_limit = \"1m\"\n"
                 "[task.annotations.\"*\"]\nacks_late = false\n")
                .task_annotations(),
            want);
  EXPECT_THAT(refusal("[task.annotations]\n\"shop.add\" = {rate = 10}\n"),
              HasSubstr("\"shop.add\": unknown option 'rate'; there are rate_limit, time_limit"));
}

TEST(ConfigFile, ListsQueuesAsTablesOrAsAnArray) {
  auto const want = ElementsAre(task_queue{"high"}.routing_key("urgent").max_priority(9), task_queue{"celery"});
  EXPECT_THAT(
      read("[task.queues.high]\nrouting_key = \"urgent\"\nmax_priority = 9\n[task.queues.celery]\n").task_queues(),
      want);
  EXPECT_THAT(read("[[task.queues]]\nname = \"high\"\nrouting_key = \"urgent\"\nmax_priority = 9\n"
                   "[[task.queues]]\nname = \"celery\"\n")
                  .task_queues(),
              want);
  EXPECT_THAT(read("task_queues = [\"a\", \"b\"]\n").task_queues(), ElementsAre(task_queue{"a"}, task_queue{"b"}));
  EXPECT_THAT(refusal("[task.queues.high]\nrouting_kye = \"x\"\n"),
              HasSubstr("queue 'high': unknown option 'routing_kye'; did you mean 'routing_key'? There are "));
}

TEST(ConfigFile, WritesExpressionsOfRoutesBetweenSlashes) {
  auto const c = read("[task.routes]\n'/^shop\\..*/' = \"high\"\n\"mail.*\" = {queue = \"low\", priority = 2}\n");
  EXPECT_THAT(c.task_routes(),
              ElementsAre(task_route{"/^shop\\..*/", "high"}, task_route{"mail.*", route_options{"low"}.priority(2)}));
}

TEST(ConfigFile, HasTablesForBrokersAndBackends) {
  auto const c = read(
      "[broker]\nurl = [\"amqp://a\", \"amqp://b\"]\nheartbeat = 0\n"
      "[broker.transport_options]\nmaster_name = \"m\"\nsentinel_kwargs = {password = \"pw\"}\n"
      "[broker.use_ssl]\nca_certs = \"/ca.pem\"\n[redis]\nbackend_use_ssl = true\n");
  EXPECT_EQ(c.broker_url(), "amqp://a;amqp://b");
  EXPECT_EQ(c.broker_heartbeat(), 0s);
  EXPECT_EQ(c.broker_transport_options(),
            (value::map{{"master_name", "m"}, {"sentinel_kwargs", value::map{{"password", "pw"}}}}));
  EXPECT_EQ(c.broker_use_ssl(), tls{}.ca_certs("/ca.pem"));
  EXPECT_EQ(c.redis_backend_use_ssl(), tls{});
  EXPECT_THAT(humanize(c), ::testing::Not(HasSubstr("\"pw\"")));
  EXPECT_THAT(refusal("[broker]\ntransport_options = \"{}\"\n"), HasSubstr("expects a table"));
}

TEST(ConfigFile, UnderstandsOldAndUpperCaseAndDjangosNames) {
  auto const c = read(
      "CELERYD_CONCURRENCY = 3\nBROKER_URL = \"redis://h\"\nCELERY_RESULT_BACKEND = \"redis://r\"\n"
      "CELERY_TASK_ALWAYS_EAGER = true\nTASK_ACKS_LATE = false\nCELERY_TASK_RESULT_EXPIRES = 60\n");
  EXPECT_EQ(c.worker_concurrency(), 3);
  EXPECT_EQ(c.broker_url(), "redis://h");
  EXPECT_EQ(c.result_backend(), "redis://r");
  EXPECT_TRUE(c.task_always_eager());
  EXPECT_FALSE(c.task_acks_late());
  EXPECT_EQ(c.result_expires(), 1min);
}

TEST(ConfigFile, MayNameASettingTwiceOnlyWithOneMeaning) {
  EXPECT_EQ(read("CELERYD_CONCURRENCY = 3\nworker_concurrency = 3\n").worker_concurrency(), 3);
  auto const text = refusal("CELERYD_CONCURRENCY = 3\nworker_concurrency = 4\n");
  EXPECT_THAT(text, HasSubstr("CELERYD_CONCURRENCY (lovage.toml:1) and worker_concurrency"));
  EXPECT_THAT(text, HasSubstr("(lovage.toml:2)"));
  EXPECT_THAT(refusal("task_serializer=\"json\"\n[task]\nserializer=\"yaml\"\n"),
              HasSubstr("task_serializer (lovage.toml:1)"));
}

TEST(ConfigFile, ThatNamesASettingWithoutEffectWarns) {
  auto const c = read("worker_direct = true\n[cache_backend_options]\nttl = 3600\n[worker]\ntimer = \"x\"\n");
  EXPECT_THAT(
      c.warnings(),
      ElementsAre("worker_direct: known to Celery, has no effect in lovage 0.1 (lovage.toml:1)",
                  "cache_backend_options: known to Celery, has no effect in lovage 0.1 (lovage.toml:2)",
                  "worker_timer: known to Celery, has no effect in lovage 0.1 (names a Python class) (lovage.toml:5)"));
}

TEST(ConfigFile, ThatIsWrongIsRefusedWithPlaceAndFix) {
  struct row {
    char const *text, *says;
  };
  for (auto const& [text, says] : {
           row{"\n\ntask_serialiser = \"json\"\n",
               "unknown setting 'task_serialiser'; did you mean 'task_serializer'? (lovage.toml:3)"},
           row{"[task]\nserialiser = \"json\"\n",
               "unknown setting 'task_serialiser'; did you mean 'task_serializer'? (lovage.toml:2)"},
           row{"[tasks]\nserializer = \"json\"\n", "unknown section [tasks]; did you mean [task]? (lovage.toml:1)"},
           row{"worker_concurrency = \"8\"\n",
               "expects an integer from 0 to 10000, such as 8; got \"8\" (lovage.toml:1)"},
           row{"worker_concurrency = 1979-05-27T07:32:00Z\n", "got a datetime"},
           row{"worker_concurrency = 1979-05-27\n", "got a date"},
           row{"worker_concurrency = 07:32:00\n", "got a time"},
           row{"worker_concurrency = [1, {a = 2}]\n", "got a list"},
           row{"[worker_concurrency]\na = 1\n", "got a map"},
           row{"result_expires = nan\n", "seconds from 0"},
           row{"worker_concurrency = 8\nbroken\n", "lovage.toml:2:"},
           row{"task_routes = {\"a\" = \n", "lovage.toml:1:"},
           row{"broker_url = \"unfinished\n", "lovage.toml:1:"},
           row{"worker_concurrency = 99999999999999999999\n", "from 0 to 10000"},
           row{"worker_concurrency = 1\nworker_concurrency = 2\n", "syntax error"},
           row{"broker_url = \"redis://h:x\"\n", "the port is no number"},
       }) {
    EXPECT_THAT(refusal(text), HasSubstr(says)) << text;
  }
}

TEST(ConfigFile, ThatIsRefusedChangesNothing) {
  config c;
  c.worker_concurrency(2);
  EXPECT_FALSE(config_access::apply_toml(c, "worker_concurrency = 5\nnonsense = 1\n", "f"));
  EXPECT_EQ(c.worker_concurrency(), 2);
}

TEST(ConfigFile, OfHostileShapeIsRefusedQuietly) {
  for (auto const& text : {
           std::string(100000, '['),
           "a = " + std::string(100000, '['),
           "a = " + std::string(100000, '{'),
           "a" +
               [] {
                 std::string dots;
                 for (int i = 0; i < 50000; ++i) dots += ".a";
                 return dots;
               }() +
               " = 1\n",
           std::string{"a\0b", 3},
           std::string(400000, '\n'),
           std::string{"\xef\xbb"},
           std::string{"\xff\xfe"},
           std::string{"\""},
           std::string{"'''"},
           std::string{"\"\\"},
           std::string{"a = \"\\uD800\"\n"},
           std::string{"="},
           "a = \"\"\"" + std::string(100000, '[') + "\"\"\"\n",
           std::string{"a = 1\r"},
           std::string{"["},
       }) {
    EXPECT_NE(refusal(text), "accepted") << text.substr(0, 20);
  }
  // toml11 reads behind its buffer on this one.
  EXPECT_THAT(refusal("\n'\x80'm'"), HasSubstr("is to be UTF-8 without control characters (lovage.toml:2:2)"));
  EXPECT_THAT(refusal("a = \"\xed\xa0\x80\""), HasSubstr("UTF-8")) << "a surrogate";
  EXPECT_THAT(refusal("a = \"\xc0\xaf\""), HasSubstr("UTF-8")) << "an overlong form";
  EXPECT_EQ(read("task_default_queue = \"gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x8c\xbf\"\r\n").task_default_queue(),
            "gr\xc3\xbc\xc3\x9f\xe2\x82\xac\xf0\x9f\x8c\xbf");
  EXPECT_EQ(refusal(""), "accepted");
  EXPECT_EQ(refusal("# a comment with [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), "accepted");
}

}  // namespace
}  // namespace lovage
