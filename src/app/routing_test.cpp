#include "app/routing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace lovage::detail {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

raw_call call(std::string task, call_options options = {}) { return {std::move(task), {}, 0, {}, std::move(options)}; }

expected<destination> leads(routing const& where, std::string task, call_options options = {}) {
  auto c = call(std::move(task), std::move(options));
  if (auto ok = where.complete(c); !ok) return fail(ok.error());
  return where.address(c.options);
}

destination queue(char const* name) { return {queue_name{name}}; }
destination exchange(char const* name, char const* key) { return {{}, name, key}; }

config with_topic() {
  return config{}.task_queues({"celery", "high",
                               task_queue{"news"}.exchange("media").exchange_type("topic").routing_key("news.#"),
                               task_queue{"sport"}.exchange("media").exchange_type("topic").routing_key("*.sport"),
                               task_queue{"all"}.broadcast()});
}

TEST(Routing, LeadsToTheDefaultQueueWithoutRules) {
  EXPECT_EQ(leads(routing{}, "shop.add").value(), queue("celery"));
  EXPECT_EQ(leads(routing{config{}.task_default_queue("jobs")}, "shop.add").value(), queue("jobs"));
}

TEST(Routing, FollowsTheFirstRuleThatMatches) {
  routing const where{
      config{}.task_routes({{"shop.add", "one"}, {"shop.*", "two"}, {"/(mail|sms)\\./", "three"}, {"*", "four"}})};
  EXPECT_EQ(leads(where, "shop.add").value(), queue("one"));
  EXPECT_EQ(leads(where, "shop.sub").value(), queue("two"));
  EXPECT_EQ(leads(where, "sms.send").value(), queue("three"));
  EXPECT_EQ(leads(where, "my.sms.send").value(), queue("four"));
  EXPECT_EQ(where.queue_of("shop.sub"), queue_name{"two"});
}

TEST(Routing, LetsTheCallSayFirstThenRoutersThenRules) {
  routing where{config{}.task_routes({{"*", "rule"}})};
  where.add([](std::string_view task, value::list const&, value::map const&) -> std::optional<route_options> {
    if (task == "routed") return route_options{"router"};
    return std::nullopt;
  });
  where.add([](std::string_view, value::list const& args, value::map const& kwargs) -> std::optional<route_options> {
    if (!args.empty() && args[0] == value{"vip"}) return "first";
    return find(kwargs, "vip") ? std::optional{route_options{"second"}} : std::nullopt;
  });
  EXPECT_EQ(leads(where, "routed", call_options{}.queue("call")).value(), queue("call"));
  EXPECT_EQ(leads(where, "routed").value(), queue("router"));
  EXPECT_EQ(leads(where, "other").value(), queue("rule"));
  auto by_kwargs = call("other");
  by_kwargs.kwargs = {{"vip", true}};
  ASSERT_TRUE(where.complete(by_kwargs));
  EXPECT_EQ(by_kwargs.options.queue_, "second");
  auto by_args = call("other");
  packer p;
  p.any(value{"vip"});
  by_args.packed_args = std::move(p).out();
  by_args.count = 1;
  ASSERT_TRUE(where.complete(by_args));
  EXPECT_EQ(by_args.options.queue_, "first");
}

TEST(Routing, SaysWhatARouterThrew) {
  routing where;
  where.add([](std::string_view, value::list const&, value::map const&) -> std::optional<route_options> {
    throw std::runtime_error{"no map"};
  });
  auto const to = leads(where, "shop.add");
  ASSERT_FALSE(to);
  EXPECT_EQ(to.error().code, errc::invalid_argument);
  EXPECT_EQ(to.error().text(), "a router threw: no map (shop.add)");
}

TEST(Routing, FillsInOptionsThatTheCallLeavesOpen) {
  auto const rule =
      route_options{"q"}.priority(3).serializer("yaml").compression("zlib").delivery_mode(delivery_mode::transient);
  routing const where{config{}.task_routes({{"*", rule}})};
  auto c = call("t", call_options{}.queue("own").priority(9));
  ASSERT_TRUE(where.complete(c));
  EXPECT_EQ(c.options.queue_, "own");
  EXPECT_EQ(c.options.priority_, 9);
  EXPECT_EQ(c.options.serializer_, "yaml");
  EXPECT_EQ(c.options.compression_, "zlib");
  EXPECT_EQ(c.options.delivery_mode_, delivery_mode::transient);
}

TEST(Routing, TakesAnAddressAsAWhole) {
  routing const where{
      with_topic().task_routes({{"to.exchange", route_options{}.exchange("media").routing_key("a.sport")},
                                {"key.only", route_options{}.routing_key("news.x")}})};
  EXPECT_EQ(leads(where, "to.exchange").value(), exchange("media", "a.sport"));
  EXPECT_EQ(leads(where, "to.exchange", call_options{}.routing_key("b")).value(), exchange("media", "b"));
  EXPECT_EQ(leads(where, "to.exchange", call_options{}.queue("news")).value(), queue("news"))
      << "not with the rule's key";
  EXPECT_EQ(leads(where, "to.exchange", call_options{}.exchange("loud")).value(), exchange("loud", ""));
  EXPECT_EQ(leads(where, "key.only", call_options{}.queue("news")).value(), exchange("media", "news.x"));
  EXPECT_EQ(leads(where, "key.only").value(), queue("celery")) << "a direct exchange is not needed";
}

TEST(Routing, RefusesAQueueThatIsNotThereAndMayNotBeMade) {
  routing const where{with_topic().task_create_missing_queues(false)};
  auto const to = leads(where, "t", call_options{}.queue("hihg"));
  ASSERT_FALSE(to);
  EXPECT_EQ(to.error().code, errc::bad_config);
  EXPECT_THAT(to.error().text(), HasSubstr("'hihg' is not in task_queues (celery, high, news, sport, all)"));
  EXPECT_FALSE(where.taken({"high", "hihg"}));
}

TEST(Routing, GivesAWorkerWhatItNamesOrAllThatAreListed) {
  routing const where{with_topic()};
  using q = queue_name;
  EXPECT_THAT(where.taken({}).value(), ElementsAre(q{"celery"}, q{"high"}, q{"news"}, q{"sport"}, q{"all"}));
  EXPECT_THAT(where.taken({"new", "high", "new"}).value(), ElementsAre(q{"new"}, q{"high"}));
  EXPECT_THAT(routing{}.taken({}).value(), ElementsAre(q{"celery"}));
  EXPECT_EQ(where.can_take({q{"high"}, q{"all"}}, {.exchanges = false}).error().code, errc::not_supported);
  EXPECT_TRUE(where.can_take({q{"high"}}, {.exchanges = false}));
  EXPECT_TRUE(where.can_take({q{"all"}}, {.exchanges = true}));
}

class Spreading : public ::testing::Test {
 protected:
  expected<std::vector<std::string>> reached(destination to) {
    broker::outgoing one;
    one.queue = std::move(to.queue);
    one.exchange = std::move(to.exchange);
    one.routing_key = std::move(to.routing_key);
    one.envelope.body = "b";
    std::vector<broker::outgoing> out;
    if (auto ok = where_.spread(std::move(one), out); !ok) return fail(ok.error());
    std::vector<std::string> names;
    for (auto const& m : out) {
      EXPECT_EQ(m.envelope.body, "b");
      EXPECT_TRUE(m.exchange.empty());
      EXPECT_TRUE(m.routing_key.empty());
      names.push_back(m.queue.str());
    }
    return names;
  }
  routing where_{with_topic()};
};

TEST_F(Spreading, SendsToEveryQueueThatAnExchangeReaches) {
  EXPECT_THAT(reached(exchange("media", "news.sport")).value(), ElementsAre("news", "sport"));
  EXPECT_THAT(reached(exchange("media", "news.weather.now")).value(), ElementsAre("news"));
  EXPECT_THAT(reached(exchange("celery", "high")).value(), ElementsAre("high"));
}

TEST_F(Spreading, LeavesQueuesOfDirectExchangesAndMadeOnes) {
  EXPECT_THAT(reached(queue("high")).value(), ElementsAre("high"));
  EXPECT_THAT(reached(queue("made")).value(), ElementsAre("made"));
  EXPECT_THAT(reached(queue("news")).value(), ElementsAre("news"));
}

TEST_F(Spreading, SaysThatNothingIsBound) {
  auto const to = reached(exchange("media", "weather"));
  ASSERT_FALSE(to);
  EXPECT_EQ(to.error().code, errc::unavailable);
  EXPECT_THAT(to.error().text(), HasSubstr("no queue is bound to exchange 'media' with routing key 'weather'"));
  EXPECT_THAT(to.error().text(), HasSubstr("news to 'media' with 'news.#'"));
}

TEST_F(Spreading, RefusesBroadcasts) {
  EXPECT_EQ(reached(queue("all")).error().code, errc::not_supported);
  EXPECT_EQ(reached(exchange("all", "")).error().code, errc::not_supported);
}

}  // namespace
}  // namespace lovage::detail
