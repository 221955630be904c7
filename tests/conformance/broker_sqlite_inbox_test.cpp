// Inboxes of the embedded store: other processes, readers that died, files of an earlier lovage.
#include "broker/sqlite/sqlite_transport.hpp"
#include "broker_conformance.hpp"
#include "child.hpp"
#include "store_place.hpp"

#include <gmock/gmock.h>
#include <sqlite3.h>

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;
using testing::child;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::store_place;

queue_spec loud() {
  queue_spec q;
  q.name = queue_name{"mine"};
  q.exchange = "loud";
  q.exchange_type = "fanout";
  return q;
}

outgoing shout(std::string body) {
  outgoing m;
  m.exchange = "loud";
  m.envelope.body = std::move(body);
  m.must_route = false;
  return m;
}

std::int64_t number(std::string const& file, char const* sql) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  std::int64_t out = -1;
  auto const read = [](void* into, int, char** columns, char**) {
    return *static_cast<std::int64_t*>(into) = std::atoll(columns[0]), 0;
  };
  char* why = nullptr;
  EXPECT_EQ(sqlite3_exec(db, sql, read, &out, &why), SQLITE_OK) << (why ? why : "");
  sqlite3_free(why);
  sqlite3_close(db);
  return out;
}

TEST(SqliteInbox, is_woken_by_another_process) {
  store_place const place;
  auto const on = make_sqlite_transport(at(place.url()), 10s).value();
  auto const mine = on->make_inbox(loud(), 10s).value();
  child peer{{LOVAGE_STORE_PEER, "shout", place.url(), "loud", "hello"}};
  auto const got = mine->take(20s).value();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].body, "hello");
  EXPECT_EQ(peer.wait(), 0);
}

TEST(SqliteInbox, is_dropped_with_what_it_holds_a_minute_after_its_reader_was_last_seen) {
  store_place const place;
  auto time = system_now();
  auto const on = make_sqlite_transport(at(place.url(), [&] { return time; }), 10s).value();
  auto const silent = on->make_inbox(loud(), 10s).value();
  auto const to = on->make_producer(10s).value();
  ASSERT_TRUE(to->publish(std::vector{shout("a")}, 10s));
  EXPECT_EQ(number(place.file(), "SELECT count(*) FROM letter"), 1);
  time += 61s;
  auto other = loud();
  other.name = queue_name{"other"};
  auto const living = on->make_inbox(other, 10s).value();
  ASSERT_TRUE(to->publish(std::vector{shout("b")}, 10s));
  EXPECT_EQ(number(place.file(), "SELECT count(*) FROM inbox"), 1);
  EXPECT_EQ(living->take(10s).value().size(), 1U);
  EXPECT_EQ(number(place.file(), "SELECT count(*) FROM letter"), 0);
}

TEST(SqliteInbox, leaves_nothing_behind_when_it_is_closed) {
  store_place const place;
  auto const on = make_sqlite_transport(at(place.url()), 10s).value();
  auto mine = on->make_inbox(loud(), 10s).value();
  ASSERT_TRUE(on->make_producer(10s).value()->publish(std::vector{shout("a")}, 10s));
  mine.reset();
  EXPECT_EQ(number(place.file(), "SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM letter)"), 0);
}

std::vector<outgoing> numbered(std::size_t count, outgoing const& like) {
  std::vector<outgoing> out(count, like);
  for (std::size_t i = 0; i < count; ++i) out[i].envelope.body = std::to_string(i);
  return out;
}

TEST(SqliteInbox, keeps_the_newest_of_what_is_broadcast_when_its_reader_is_slow) {
  store_place const place;
  auto const on = make_sqlite_transport(at(place.url()), 10s).value();
  auto const slow = on->make_inbox(loud(), 10s).value();
  constexpr auto sent = inbox_holds + 500;
  ASSERT_TRUE(on->make_producer(10s).value()->publish(numbered(sent, shout("")), 60s));
  EXPECT_EQ(number(place.file(), "SELECT count(*) FROM letter"), inbox_holds);
  EXPECT_EQ(slow->take(10s).value().front().body, "500");
}

TEST(SqliteInbox, keeps_every_answer) {
  store_place const place;
  auto const on = make_sqlite_transport(at(place.url()), 10s).value();
  auto asks = loud();
  asks.exchange = asks.exchange_type = "";
  auto const slow = on->make_inbox(asks, 10s).value();
  auto answer = shout("");
  answer.exchange = "";
  answer.queue = asks.name;
  constexpr auto sent = inbox_holds + 500;
  ASSERT_TRUE(on->make_producer(10s).value()->publish(numbered(sent, answer), 60s));
  EXPECT_EQ(number(place.file(), "SELECT count(*) FROM letter"), sent);
}

TEST(SqliteInbox, works_in_a_store_that_an_earlier_lovage_made) {
  store_place const place;
  { auto const on = make_sqlite_transport(at(place.url()), 10s).value(); }
  number(place.file(),
         "DROP TABLE inbox; DROP TABLE letter; DROP TABLE paused; DROP TABLE revoked; DROP TABLE chord; "
         "DROP TABLE chord_part; DROP TABLE saved_group; DROP TABLE chord_growth; DROP TABLE run_claim; DROP TABLE "
         "schedule; "
         "DROP TABLE schedule_claim; DROP TABLE schedule_lead; PRAGMA user_version = 1");
  auto const on = make_sqlite_transport(at(place.url()), 10s).value();
  auto const mine = on->make_inbox(loud(), 10s).value();
  ASSERT_TRUE(on->make_producer(10s).value()->publish(std::vector{shout("a")}, 10s));
  EXPECT_EQ(mine->take(10s).value().size(), 1U);
}

}  // namespace
}  // namespace lovage::broker
