#include "broker/amqp/frames.hpp"

#include <gmock/gmock.h>

namespace lovage::broker::amqp {
namespace {

using ::testing::HasSubstr;

/// Feeds `bytes` in pieces and gives the frames as text.
std::vector<std::string> cut(frame_reader& in, std::string_view bytes, std::size_t piece) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    auto const room = in.room();
    auto const n = std::min({piece, bytes.size(), room.size()});
    std::copy_n(bytes.data(), n, room.data());
    in.arrived(n);
    bytes.remove_prefix(n);
    for (auto f = in.next().value(); f; f = in.next().value())
      out.push_back(std::to_string(f->type) + ":" + std::to_string(f->channel) + ":" + std::string{f->payload});
  }
  return out;
}

std::string published(frame_writer& w, std::string const& body) {
  amqp_basic_publish_t how{};
  how.routing_key = borrow("q");
  amqp_basic_properties_t properties{};
  EXPECT_TRUE(w.publish(1, how, properties, body));
  return std::string{w.pending()};
}

TEST(AmqpFrames, are_the_same_however_the_bytes_come) {
  frame_writer w;
  w.heartbeat();
  (void)published(w, "body");
  auto const bytes = published(w, "");
  frame_reader whole;
  auto const expected = cut(whole, bytes, bytes.size());
  ASSERT_GE(expected.size(), 6U);
  EXPECT_EQ(expected[0], "8:0:");
  EXPECT_EQ(expected[3], "3:1:body");
  for (std::size_t const piece : {1, 2, 3, 7, 8, 9}) {
    frame_reader in;
    EXPECT_EQ(cut(in, bytes, piece), expected);
  }
}

TEST(AmqpFrames, splits_a_body_at_the_frame_size_and_never_runs_out_of_room) {
  frame_writer w;
  std::string body(1'000'000, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 26);
  auto const bytes = published(w, body);
  frame_reader in;
  std::string back;
  for (auto const& f : cut(in, bytes, 50'000))
    if (f.starts_with("3:1:")) {
      back += f.substr(4);
      EXPECT_LE(f.size(), default_frame_max - 8 + 4);
    }
  EXPECT_TRUE(back == body);
}

TEST(AmqpFrames, keeps_to_a_smaller_frame_size) {
  frame_writer w;
  w.limit(4096);
  auto const bytes = published(w, std::string(10'000, 'x'));
  frame_reader in;
  in.limit(4096);
  EXPECT_EQ(cut(in, bytes, bytes.size()).size(), 2U + 3U);
}

TEST(AmqpFrames, refuses_what_is_no_amqp) {
  auto const fault = [](std::string_view bytes) {
    frame_reader in;
    std::copy(bytes.begin(), bytes.end(), in.room().begin());
    in.arrived(bytes.size());
    auto f = in.next();
    return f ? std::string{} : f.error().text();
  };
  EXPECT_THAT(fault("HTTP/1.1 400 Bad Request"), HasSubstr("does not speak AMQP"));
  EXPECT_THAT(fault(std::string_view{"AMQP\0\1\0\0", 8}), HasSubstr("another version"));
  EXPECT_THAT(fault(std::string_view{"\1\0\0\x7f\xff\xff\xff", 7}), HasSubstr("longer"));
  EXPECT_THAT(fault(std::string_view{"\x08\0\0\0\0\0\0\0", 8}), HasSubstr("no end"));
  EXPECT_EQ(fault(std::string_view{"\x08\0\0", 3}), "");
}

TEST(AmqpFrames, says_so_when_names_or_headers_are_too_long_and_writes_nothing) {
  frame_writer w;
  std::string const long_name(300, 'n');
  amqp_basic_publish_t how{};
  how.routing_key = borrow(long_name);
  amqp_basic_properties_t properties{};
  EXPECT_EQ(w.publish(1, how, properties, "x").error().code, errc::encode);
  how.routing_key = borrow("q");
  std::string const huge(default_frame_max, 'h');
  amqp_table_entry_t entry{borrow("k"), {}};
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = borrow(huge);
  properties._flags = AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {1, &entry};
  EXPECT_EQ(w.publish(1, how, properties, "x").error().code, errc::encode);
  EXPECT_EQ(w.pending(), "");
}

TEST(AmqpFrames, forgets_what_was_sent) {
  frame_writer w;
  auto const bytes = published(w, std::string(3'000'000, 'x'));
  std::string sent;
  while (!w.pending().empty()) {
    auto const n = std::min<std::size_t>(w.pending().size(), 70'001);
    sent += w.pending().substr(0, n);
    w.sent(n);
  }
  EXPECT_TRUE(sent == bytes);
}

}  // namespace
}  // namespace lovage::broker::amqp
