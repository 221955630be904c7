// Inboxes of the PostgreSQL broker whose readers are slow.
#include "broker_postgres_fixture.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

using namespace std::chrono_literals;

class PostgresInbox : public PostgresBroker {
 protected:
  static queue_spec listens(std::string exchange, std::string type) {
    queue_spec q;
    q.name = queue_name{"mine"};
    q.exchange = std::move(exchange);
    q.exchange_type = std::move(type);
    return q;
  }
  void post(std::size_t count, std::string const& exchange, std::string const& queue = {}) const {
    outgoing m;
    m.exchange = exchange;
    m.queue = queue_name{queue};
    m.must_route = false;
    std::vector<outgoing> all(count, m);
    for (std::size_t i = 0; i < count; ++i) all[i].envelope.body = std::to_string(i);
    ASSERT_TRUE(producer_->publish(all, 60s));
  }
  [[nodiscard]] std::int64_t waiting() const { return number("SELECT count(*) FROM lovage.letter"); }
};

TEST_F(PostgresInbox, keeps_the_newest_of_what_is_broadcast_when_its_reader_is_slow) {
  auto const slow = on_->make_inbox(listens("loud", "fanout"), 10s).value();
  auto const also_slow = on_->make_inbox(listens("loud", "fanout"), 10s).value();
  post(inbox_holds + 500, "loud");
  EXPECT_EQ(waiting(), 2 * inbox_holds);
  EXPECT_EQ(slow->take(10s).value().front().body, "500");
  EXPECT_EQ(also_slow->take(10s).value().front().body, "500");
}

TEST_F(PostgresInbox, is_trimmed_as_letters_come_one_batch_after_the_other) {
  auto const slow = on_->make_inbox(listens("events", "topic"), 10s).value();
  for (int i = 0; i < 13; ++i) post(inbox_holds / 10, "events");
  EXPECT_EQ(waiting(), inbox_holds);
  std::size_t got = 0;
  while (got < inbox_holds) got += slow->take(10s).value().size();
  EXPECT_EQ(waiting(), 0);
}

TEST_F(PostgresInbox, is_trimmed_while_its_reader_takes_what_is_old) {
  auto const slow = on_->make_inbox(listens("loud", "fanout"), 10s).value();
  post(inbox_holds, "loud");
  ASSERT_TRUE(sql_->begin(10s));  // a reader in the middle of taking
  (void)ask("DELETE FROM lovage.letter WHERE id IN (SELECT id FROM lovage.letter ORDER BY id LIMIT 100)");
  post(inbox_holds / 10, "loud");
  ASSERT_TRUE(sql_->commit(10s));
  EXPECT_EQ(waiting(), inbox_holds);
}

TEST_F(PostgresInbox, keeps_every_answer) {
  auto const slow = on_->make_inbox(listens("", ""), 10s).value();
  post(inbox_holds + 500, "", "mine");
  EXPECT_EQ(waiting(), inbox_holds + 500);
}

}  // namespace
}  // namespace lovage::broker
