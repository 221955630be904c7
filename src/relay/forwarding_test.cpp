#include "relay/forwarding.hpp"

#include "wire/once.hpp"
#include "wire/task_message.hpp"

#include <gtest/gtest.h>

namespace lovage::relaying {
namespace {

using namespace std::chrono_literals;

constexpr time_point noon{std::chrono::sys_days{std::chrono::year{2026} / 11 / 30} + 12h};

class Forwarding : public ::testing::Test {
 protected:
  Forwarding() {
    message.task = "shop.add";
    message.id = task_id{"id"};
    message.args = {1, 2};
    message.extra_headers = {{"tenant", "blue"}};
    message.properties.reply_to = "somebody";
    message.properties.priority = 7;
  }
  broker::delivery delivery() const {
    return {3, queue_name{"high"}, wire::encode_task(message, {}).value(), 7, 2, true};
  }
  static wire::task_message read(broker::outgoing const& m) { return wire::decode_task(m.envelope, {}).value(); }

  wire::task_message message;
};

TEST_F(Forwarding, KeepsAllOfAMessageAndAddsWhatSaysWhichSendingItIs) {
  auto const from = delivery();
  auto const out = forwarded(from, "text", noon);
  EXPECT_EQ(out.queue, queue_name{"high"});
  EXPECT_TRUE(out.exchange.empty());
  EXPECT_EQ(out.priority, 7);
  EXPECT_EQ(out.due, std::nullopt);
  EXPECT_EQ(out.envelope.body, from.envelope.body);
  EXPECT_EQ(out.envelope.properties, from.envelope.properties);
  message.extra_headers.push_back({std::string{wire::once_header}, "text"});
  EXPECT_EQ(read(out).extra_headers, message.extra_headers);
  auto headers = from.envelope.headers;
  headers.push_back({std::string{wire::once_header}, "text"});
  EXPECT_EQ(out.envelope.headers, headers);
}

TEST_F(Forwarding, TakesThePlaceOfWhatAnEarlierSenderSaid) {
  message.extra_headers.push_back({std::string{wire::once_header}, "old"});
  auto const out = forwarded(delivery(), "new", noon);
  EXPECT_EQ(*find(read(out).extra_headers, wire::once_header), value{"new"});
  EXPECT_EQ(read(out).extra_headers.size(), 2U);
}

TEST_F(Forwarding, LeavesATimeThatIsStillToComeToTheTarget) {
  message.eta = datetime::from(noon + 1h);
  EXPECT_EQ(forwarded(delivery(), "text", noon).due, noon + 1h);
  EXPECT_EQ(forwarded(delivery(), "text", noon + 2h).due, std::nullopt);
  EXPECT_EQ(read(forwarded(delivery(), "text", noon)).eta, message.eta);
}

TEST_F(Forwarding, GivesEachOfABatchItsOwnTextInOrder) {
  int n = 0;
  std::vector<broker::delivery> const batch{delivery(), delivery()};
  auto const out = forwarded(batch, noon, [&] { return std::to_string(++n); });
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(*find(read(out[0]).extra_headers, wire::once_header), value{"1"});
  EXPECT_EQ(*find(read(out[1]).extra_headers, wire::once_header), value{"2"});
}

TEST_F(Forwarding, PassesOnWhatItCannotRead) {
  broker::delivery const odd{1, queue_name{"q"}, {"text/plain", "", {{"eta", 17}}, {}, "no task"}, 0, 0, false};
  auto const out = forwarded(odd, "text", noon);
  EXPECT_EQ(out.envelope.body, "no task");
  EXPECT_EQ(out.due, std::nullopt);
}

}  // namespace
}  // namespace lovage::relaying
