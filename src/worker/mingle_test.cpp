#include "worker/mingle.hpp"

#include "core/ids.hpp"
#include "wire/control.hpp"
#include "wire/serializer.hpp"

#include <gtest/gtest.h>

#include <future>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

// A node's mailbox, answered by hand.
class Mingle : public ::testing::Test {
 protected:
  Mingle() {
    broker::queue_spec mailbox;
    mailbox.name = queue_name{"other@host.shop.pidbox"};
    mailbox.exchange = "shop.pidbox";
    mailbox.exchange_type = "fanout";
    on_ = app_.state()->transport(deadline::in(10s)).value();
    inbox_ = on_->make_inbox(mailbox, deadline::in(10s)).value();
  }
  wire::control_request asked() {
    auto const got = inbox_->take(deadline::in(10s)).value();
    return *wire::control_request::from(*wire::from_json(got.at(0).body), got.at(0).headers);
  }
  void answer(wire::control_request const& to, char const* node, value payload) {
    wire::control_reply const r{node, std::move(payload), to.ticket, 1};
    broker::outgoing m;
    m.exchange = to.reply_to->exchange;
    m.routing_key = to.reply_to->routing_key;
    m.must_route = false;
    m.envelope = {"application/json", "utf-8", r.headers(), {}, *wire::to_json(r.body())};
    ASSERT_TRUE(on_->make_producer(deadline::in(10s)).value()->publish({&m, 1}, deadline::in(10s)));
  }

  app app_{config{}.broker_url("memory://" + random_uuid().str()).control_exchange("shop")};
  std::shared_ptr<broker::transport> on_;
  std::unique_ptr<broker::inbox> inbox_;
  lamport_clock clock_;
};

TEST_F(Mingle, TakesInWhatTheOthersKnow) {
  value heard;
  mingling with{"me@host", {}, [&](value const& m) { heard = m; }, 10s};
  with.wait = 500ms;
  auto done = std::async(std::launch::async, [&] { return mingle(*app_.state(), clock_, with).value(); });
  auto const r = asked();
  EXPECT_EQ(r.method, "hello");
  EXPECT_EQ(r.reply_to->exchange, "reply.shop.pidbox");
  EXPECT_EQ(*find(r.arguments, "from_node"), value{"me@host"});
  answer(r, "me@host", {});
  answer(r, "other@host", hello_payload({{"id-1", value::list{12.0, "id-1"}}}, 100));
  EXPECT_EQ(done.get(), 1U);
  EXPECT_NE(heard.find("id-1"), nullptr);
  EXPECT_EQ(clock_.value(), 101);
}

TEST_F(Mingle, IsOverInTimeWhenNobodyAnswers) {
  EXPECT_EQ(mingle(*app_.state(), clock_, {"me@host", {}, {}, 1ms}).value(), 0U);
}

}  // namespace
}  // namespace lovage::work
