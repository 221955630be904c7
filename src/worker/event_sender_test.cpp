#include "worker/event_sender.hpp"

#include "app/event_receiver.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

wire::event of_task(char const* type, std::string uuid) {
  wire::event e;
  e.type = type;
  e.fields = {{"uuid", std::move(uuid)}};
  return e;
}

class EventSender : public ::testing::Test {
 protected:
  EventSender() { log::set_sink({}, log::level::critical); }

  std::unique_ptr<detail::event_receiver> hear(std::string const& pattern) {
    return detail::event_receiver::open(*app_.state(), pattern, deadline::in(10s)).value();
  }
  std::unique_ptr<event_sender> make(event_sender_options with) {
    with.node = "w1@host";
    return std::make_unique<event_sender>(*app_.state(), clock_, std::move(with), [] { return vitals{2, 7}; });
  }
  void start(event_sender& s) { s.start((*app_.state()->transport(deadline::in(10s)))->abilities()); }
  /// As many events as are expected; fewer when they do not come.
  static std::vector<wire::event> some(detail::event_receiver& from, std::size_t count) {
    std::vector<wire::event> out;
    for (auto const until = deadline::in(20s); out.size() < count && !until.passed();) {
      auto more = from.take(until).value();
      std::move(more.begin(), more.end(), std::back_inserter(out));
    }
    return out;
  }
  static std::vector<std::string> types(std::vector<wire::event> const& of) {
    std::vector<std::string> out;
    for (auto const& e : of) out.push_back(e.type);
    return out;
  }

  app app_{config{}.broker_url("memory://" + random_uuid().str())};
  lamport_clock clock_;
};

TEST_F(EventSender, TellsOfTheWorkersLifeWithCelerysFields) {
  auto const heard = hear("worker.#");
  auto const s = make({});
  start(*s);
  s->stop();
  auto const told = some(*heard, 2);
  EXPECT_THAT(types(told), ElementsAre("worker-online", "worker-offline"));
  auto const& e = told.at(0);
  EXPECT_EQ(e.hostname, "w1@host");
  EXPECT_EQ(e.pid, ::getpid());
  EXPECT_EQ(e.clock, 1);
  EXPECT_TRUE(e.timestamp && e.utcoffset);
  std::vector<std::string> keys;
  for (auto const& f : e.fields) keys.push_back(f.key);
  EXPECT_THAT(keys, ElementsAre("freq", "active", "processed", "loadavg", "sw_ident", "sw_ver", "sw_sys"));
  EXPECT_EQ(*find(e.fields, "active"), value{2});
  EXPECT_EQ(*find(e.fields, "processed"), value{7});
  EXPECT_EQ(*find(e.fields, "freq"), value{2.0});
  EXPECT_EQ(find(e.fields, "loadavg")->get_if<value::list>()->size(), 3U);
}

TEST_F(EventSender, BeatsInItsRhythmAndOnDemand) {
  auto const heard = hear("worker.heartbeat");
  event_sender_options with;
  with.interval = 20ms;
  auto const s = make(with);
  start(*s);
  EXPECT_EQ(some(*heard, 3).size(), 3U);
  s->beat(5s);
  auto const until = deadline::in(20s);
  bool seen = false;
  while (!seen && !until.passed())
    for (auto const& e : heard->take(until).value()) seen = seen || *find(e.fields, "freq") == value{5.0};
  EXPECT_TRUE(seen);
}

TEST_F(EventSender, SendsEventsOfTasksInOrderAndInBatches) {
  auto const all = hear("#"), batches = hear("task.multi");
  event_sender_options with;
  with.heartbeat = false;
  auto const s = make(with);
  start(*s);
  std::vector<wire::event> several;
  for (int i = 0; i < 600; ++i) several.push_back(of_task("task-started", std::to_string(i)));
  s->send(std::move(several));
  s->send(of_task("worker-elect", "x"));
  auto const told = some(*all, 601);
  ASSERT_EQ(told.size(), 601U);
  for (std::size_t i = 0; i < 600; ++i) {
    EXPECT_EQ(*find(told[i].fields, "uuid"), value{std::to_string(i)});
    EXPECT_EQ(told[i].clock, static_cast<std::int64_t>(i + 1));
  }
  EXPECT_EQ(told[600].type, "worker-elect");
  EXPECT_EQ(some(*batches, 600).size(), 600U) << "and those of the worker have a key of their own";
}

TEST_F(EventSender, KeepsWhatComesBeforeItsStartForThen) {
  auto const heard = hear("#");
  auto const s = make({});
  s->send(of_task("task-received", "a"));
  std::vector<wire::event> several;
  several.push_back(of_task("task-started", "a"));
  s->send(std::move(several));
  start(*s);
  EXPECT_THAT(types(some(*heard, 3)), ElementsAre("worker-online", "task-received", "task-started"));
}

TEST_F(EventSender, SendsNothingWhereTheBrokerCarriesNoEvents) {
  auto const heard = hear("#");
  auto const s = make({});
  s->send(of_task("task-received", "a"));
  s->start(broker::traits{});
  s->send(of_task("task-started", "a"));
  start(*s);
  auto const other = make({});
  start(*other);
  EXPECT_THAT(types(some(*heard, 1)), ElementsAre("worker-online")) << "the other's";
}

TEST_F(EventSender, DropsTheOldestWhenTheyAreNotTaken) {
  event_sender_options with;
  with.heartbeat = false;
  with.most_kept = 10;
  auto const heard = hear("#");
  auto const s = make(with);
  start(*s);
  std::vector<wire::event> several;
  for (int i = 0; i < 25; ++i) several.push_back(of_task("task-started", std::to_string(i)));
  s->send(std::move(several));
  auto const told = some(*heard, 10);
  EXPECT_EQ(*find(told.at(0).fields, "uuid"), value{"15"});
  EXPECT_EQ(s->dropped(), 15U);
}

TEST_F(EventSender, TellsNothingAfterItsStop) {
  auto const heard = hear("#");
  auto const s = make({});
  start(*s);
  s->stop();
  s->send(of_task("task-started", "late"));
  s->stop();
  EXPECT_THAT(types(some(*heard, 2)), ElementsAre("worker-online", "worker-offline"));
  EXPECT_TRUE(heard->take(deadline::now()).value().empty());
}

TEST_F(EventSender, SaysWhetherSwitchingChangedAnything) {
  auto const s = make({});
  EXPECT_FALSE(s->enabled());
  EXPECT_TRUE(s->enable());
  EXPECT_FALSE(s->enable());
  EXPECT_TRUE(s->flag());
  EXPECT_TRUE(s->disable());
  EXPECT_FALSE(s->disable());
}

}  // namespace
}  // namespace lovage::work
