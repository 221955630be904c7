#include "broker/amqp/ack_ledger.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace lovage::broker::amqp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ack = ack_ledger::ack;

ack_ledger with(std::uint64_t count) {
  ack_ledger out;
  for (std::uint64_t tag = 1; tag <= count; ++tag) out.arrived(tag);
  return out;
}

TEST(AmqpAckLedger, says_it_once_for_a_run_at_the_front) {
  auto l = with(10);
  for (std::uint64_t const tag : {3, 1, 2}) l.settled(tag);
  EXPECT_THAT(l.take(), ElementsAre(ack{3, true}));
  EXPECT_THAT(l.take(), IsEmpty());
  l.settled(4);
  EXPECT_THAT(l.take(), ElementsAre(ack{4, false}));
}

TEST(AmqpAckLedger, does_not_wait_for_a_long_task_at_the_front) {
  auto l = with(5);
  for (std::uint64_t const tag : {2, 3, 5}) l.settled(tag);
  EXPECT_THAT(l.take(), ElementsAre(ack{2, false}, ack{3, false}, ack{5, false}));
  l.settled(1);
  EXPECT_THAT(l.take(), ElementsAre(ack{1, false}));
  l.settled(4);
  EXPECT_THAT(l.take(), ElementsAre(ack{4, false}));
}

TEST(AmqpAckLedger, names_in_a_span_a_tag_that_the_server_still_knows) {
  auto l = with(4);
  l.settled(3);
  EXPECT_THAT(l.take(), ElementsAre(ack{3, false}));
  l.settled(1);
  l.settled(2);
  EXPECT_THAT(l.take(), ElementsAre(ack{2, true}));  // not 3: an unknown tag would close the channel
}

TEST(AmqpAckLedger, passes_over_rejected_ones) {
  auto l = with(4);
  l.settled(1);
  l.rejected(2);
  l.settled(3);
  EXPECT_THAT(l.take(), ElementsAre(ack{3, true}));
  l.rejected(4);
  EXPECT_THAT(l.take(), IsEmpty());
}

TEST(AmqpAckLedger, knows_how_many_wait_and_how_many_are_still_open) {
  auto l = with(4);
  l.settled(2);
  l.settled(2);
  l.rejected(3);
  EXPECT_EQ(l.open(), 2U);
  l.settled(1);
  EXPECT_EQ(l.waiting(), 3U) << "a tag that is settled twice is counted twice: it only hastens the ack";
  (void)l.take();
  EXPECT_EQ(l.waiting(), 0U);
  EXPECT_EQ(l.open(), 1U);
  l.clear();
  EXPECT_EQ(l.open(), 0U);
}

TEST(AmqpAckLedger, ignores_what_it_does_not_know) {
  auto l = with(2);
  l.settled(1);
  (void)l.take();
  l.settled(1);
  l.settled(99);
  l.rejected(1);
  EXPECT_THAT(l.take(), IsEmpty());
  l.arrived(3);
  l.settled(2);
  l.settled(3);
  EXPECT_THAT(l.take(), ElementsAre(ack{3, true}));
}

// Against a server that keeps a plain set.
TEST(AmqpAckLedger, settles_each_message_exactly_once_in_any_order) {
  std::mt19937 dice{7};
  for (int round = 0; round < 200; ++round) {
    ack_ledger l;
    std::set<std::uint64_t> known, running, meant;
    std::uint64_t next = 1;
    for (int step = 0; step < 200; ++step) {
      switch (dice() % 4) {
        case 0:
        case 1: known.insert(next), running.insert(next), l.arrived(next++); break;
        case 2:
          if (running.empty()) break;
          {
            auto const at = std::next(running.begin(), static_cast<int>(dice() % running.size()));
            if (dice() % 5 == 0) {
              known.erase(*at), l.rejected(*at);  // the reject is written at once
            } else {
              meant.insert(*at), l.settled(*at);
            }
            running.erase(at);
          }
          break;
        default:
          for (auto const& a : l.take()) {
            ASSERT_TRUE(known.contains(a.tag));
            for (auto const tag : std::set<std::uint64_t>{known})
              if (tag == a.tag || (a.multiple && tag < a.tag)) {
                ASSERT_TRUE(meant.contains(tag));
                known.erase(tag);
              }
          }
          ASSERT_EQ(known, running);
      }
    }
  }
}

}  // namespace
}  // namespace lovage::broker::amqp
