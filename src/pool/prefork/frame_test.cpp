#include "pool/prefork/frame.hpp"

#include "io/descriptor.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <utility>

namespace lovage::pool {
namespace {

struct wire {
  io::descriptor a, b;
  frame_reader reader;
  std::vector<std::pair<frame_head, std::string>> got;
  wire() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    a.reset(fds[0]);
    b.reset(fds[1]);
  }
  frame_reader::status read() {
    return reader.read_some(b.get(), MSG_DONTWAIT,
                            [this](frame_head const& h, std::string&& p) { got.emplace_back(h, std::move(p)); });
  }
  void raw(std::string_view bytes) {
    EXPECT_EQ(::send(a.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
};

frame_head head_of(std::uint64_t id, std::uint64_t size = 0) {
  frame_head h;
  h.kind = frame_kind::message;
  h.id = id;
  h.size = size;
  return h;
}

std::string bytes_of(frame_head const& h) { return {reinterpret_cast<char const*>(&h), sizeof h}; }

TEST(frame, several_small_frames_arrive_with_one_read) {
  wire w;
  for (std::uint64_t i = 0; i < 10; ++i) frame_writer::write_all(w.a.get(), head_of(i), std::string(i, 'x'));

  EXPECT_EQ(w.read(), frame_reader::status::empty);

  ASSERT_EQ(w.got.size(), 10U);
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(w.got[i].first.id, i);
    EXPECT_EQ(w.got[i].second, std::string(i, 'x'));
  }
}

TEST(frame, a_frame_may_come_byte_by_byte) {
  wire w;
  auto const bytes = bytes_of(head_of(7, 5)) + "hello" + bytes_of(head_of(8, 0));
  for (char const c : bytes) {
    w.raw({&c, 1});
    EXPECT_EQ(w.read(), frame_reader::status::empty);
  }

  ASSERT_EQ(w.got.size(), 2U);
  EXPECT_EQ(w.got[0].second, "hello");
  EXPECT_EQ(w.got[1].first.id, 8U);
}

TEST(frame, payloads_around_the_buffer_size_pass_unchanged_with_frames_behind_them) {
  wire w;
  for (std::size_t const size : {65503UL, 65504UL, 65505UL, 65536UL, 70000UL, 3000000UL}) {
    std::string payload(size, 'a');
    for (std::size_t i = 0; i < size; i += 97) payload[i] = static_cast<char>('a' + i % 26);
    frame_writer writer;
    auto status = writer.write(w.a.get(), MSG_DONTWAIT, head_of(size), std::string{payload});
    while (status == frame_writer::status::blocked) {
      w.read();
      status = writer.flush(w.a.get(), MSG_DONTWAIT);
    }
    frame_writer::write_all(w.a.get(), head_of(1), "behind");
    while (w.got.size() < 2) w.read();
    EXPECT_TRUE(w.got[0].second == payload) << size;
    EXPECT_EQ(w.got[1].second, "behind");
    w.got.clear();
  }
}

TEST(frame, what_is_no_frame_is_garbage) {
  wire w;
  w.raw(std::string(64, '#'));
  EXPECT_EQ(w.read(), frame_reader::status::garbage);
}

TEST(frame, a_false_size_costs_no_memory_and_the_end_is_seen) {
  wire w;
  w.raw(bytes_of(head_of(1, std::uint64_t{1} << 60)) + "little");
  EXPECT_EQ(w.read(), frame_reader::status::empty);
  w.a.reset();
  EXPECT_EQ(w.read(), frame_reader::status::closed);
  EXPECT_TRUE(w.got.empty());
}

TEST(frame, a_writer_without_reader_gives_its_payload_back) {
  wire w;
  w.b.reset();
  frame_writer writer;

  EXPECT_EQ(writer.write(w.a.get(), MSG_DONTWAIT, head_of(1), "precious"), frame_writer::status::closed);

  ASSERT_TRUE(writer.untouched());
  EXPECT_EQ(writer.take_back(), "precious");
  EXPECT_FALSE(writer.pending());
}

}  // namespace
}  // namespace lovage::pool
