#include "broker/amqp/frames.hpp"

#include <algorithm>
#include <array>

namespace lovage::broker::amqp {
namespace {

constexpr std::size_t head = 7, foot = 1;

std::uint32_t read_number(char const* at, int octets) {
  std::uint32_t out = 0;
  for (int i = 0; i < octets; ++i) out = out << 8 | static_cast<std::uint8_t>(at[i]);
  return out;
}

void put_number(std::string& out, std::uint64_t n, int octets) {
  for (int i = octets - 1; i >= 0; --i) out += static_cast<char>(static_cast<std::uint8_t>(n >> (8 * i)));
}

failure broken(char const* how) {
  return fail(errc::decode, std::string{"what answers there does not speak AMQP 0-9-1: "} + how);
}

}  // namespace

frame_reader::frame_reader() : size_{2 * default_frame_max}, frame_max_{default_frame_max} {
  buffer_ = std::make_unique<char[]>(size_);
}

std::span<char> frame_reader::room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (size_ - end_ < size_ / 4) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.get() + end_, size_ - end_};
}

expected<std::optional<frame>> frame_reader::next() {
  auto const* const at = buffer_.get() + begin_;
  auto const have = end_ - begin_;
  if (have >= 4 && std::string_view{at, 4} == "AMQP") return broken("it wants another version");
  if (have < head) return std::optional<frame>{};
  auto const type = static_cast<std::uint8_t>(at[0]);
  if (type != AMQP_FRAME_METHOD && type != AMQP_FRAME_HEADER && type != AMQP_FRAME_BODY && type != AMQP_FRAME_HEARTBEAT)
    return broken("unknown type of frame");
  auto const length = read_number(at + 3, 4);
  if (length > frame_max_ - head - foot) return broken("a frame is longer than was agreed");
  if (have < head + length + foot) return std::optional<frame>{};
  if (static_cast<std::uint8_t>(at[head + length]) != AMQP_FRAME_END) return broken("a frame has no end");
  begin_ += head + length + foot;
  return std::optional{frame{type, static_cast<std::uint16_t>(read_number(at + 1, 2)), {at + head, length}}};
}

frame_writer::frame_writer() : scratch_{std::make_unique<char[]>(default_frame_max)}, frame_max_{default_frame_max} {}

void frame_writer::append(std::uint8_t type, std::uint16_t channel, std::string_view first, std::string_view rest) {
  out_ += static_cast<char>(type);
  put_number(out_, channel, 2);
  put_number(out_, first.size() + rest.size(), 4);
  out_ += first;
  out_ += rest;
  out_ += static_cast<char>(static_cast<std::uint8_t>(AMQP_FRAME_END));
}

void frame_writer::protocol_header() { out_ += std::string_view{"AMQP\0\0\x09\x01", 8}; }

void frame_writer::heartbeat() { append(AMQP_FRAME_HEARTBEAT, 0, {}); }

expected<void> frame_writer::method(std::uint16_t channel, amqp_method_number_t id, void const* decoded) {
  auto const n = amqp_encode_method(id, const_cast<void*>(decoded), {frame_max_ - head - foot - 4, scratch_.get()});
  if (n < 0)
    return fail(errc::encode, "a name or argument is too long for AMQP: names have at most 255 bytes",
                amqp_method_name(id) ? amqp_method_name(id) : "");
  std::string number;
  put_number(number, id, 4);
  append(AMQP_FRAME_METHOD, channel, number, {scratch_.get(), static_cast<std::size_t>(n)});
  return {};
}

expected<void> frame_writer::publish(std::uint16_t channel, amqp_basic_publish_t const& how,
                                     amqp_basic_properties_t const& properties, std::string_view body) {
  auto const before = out_.size();
  if (auto ok = method(channel, AMQP_BASIC_PUBLISH_METHOD, &how); !ok) return ok;
  auto const n = amqp_encode_properties(AMQP_BASIC_CLASS, const_cast<amqp_basic_properties_t*>(&properties),
                                        {frame_max_ - head - foot - 12, scratch_.get()});
  if (n < 0) {
    out_.resize(before);
    return fail(errc::encode,
                "the headers or a property are too long for RabbitMQ: together less than " +
                    std::to_string(frame_max_) + " bytes, properties at most 255",
                "headers");
  }
  std::string start;
  put_number(start, AMQP_BASIC_CLASS, 2);
  put_number(start, 0, 2);
  put_number(start, body.size(), 8);
  append(AMQP_FRAME_HEADER, channel, start, {scratch_.get(), static_cast<std::size_t>(n)});
  for (auto const most = frame_max_ - head - foot; !body.empty(); body.remove_prefix(std::min(most, body.size())))
    append(AMQP_FRAME_BODY, channel, body.substr(0, most));
  return {};
}

void frame_writer::sent(std::size_t bytes) {
  sent_ += bytes;
  if (sent_ == out_.size()) {
    clear();
  } else if (sent_ > (1U << 20)) {  // a stream that never runs dry must not grow for ever
    out_.erase(0, sent_);
    sent_ = 0;
  }
}

}  // namespace lovage::broker::amqp
