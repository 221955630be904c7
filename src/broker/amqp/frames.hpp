// The frames of AMQP 0-9-1 as bytes: a type, a channel, a payload. What is in the payloads, librabbitmq knows.
#pragma once

#include "broker/amqp/arena.hpp"

#include <lovage/expected.hpp>

#include <amqp_framing.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lovage::broker::amqp {

struct frame {
  std::uint8_t type = 0;
  std::uint16_t channel = 0;
  std::string_view payload;  ///< good until the next `room`
};

/// Cuts what comes from a socket into frames.
class frame_reader {
 public:
  frame_reader();
  /// Where to put what comes next; then say how much it was.
  [[nodiscard]] std::span<char> room();
  void arrived(std::size_t bytes) noexcept { end_ += bytes; }
  /// The next whole frame. Error `decode` when the peer does not speak AMQP 0-9-1 or breaks its rules.
  [[nodiscard]] expected<std::optional<frame>> next();
  /// The longest frame that may come, of which the peer was told.
  void limit(std::uint32_t frame_max) noexcept { frame_max_ = frame_max; }

 private:
  std::unique_ptr<char[]> buffer_;
  std::size_t size_, begin_ = 0, end_ = 0;
  std::uint32_t frame_max_;
};

/// Collects frames to be sent.
class frame_writer {
 public:
  frame_writer();
  void protocol_header();
  void heartbeat();
  /// `decoded` is the amqp_..._t of `id`. Error `encode` when it does not fit into a frame or a name is too long.
  [[nodiscard]] expected<void> method(std::uint16_t channel, amqp_method_number_t id, void const* decoded);
  /// A basic.publish with its content: all of it or, with an error, nothing.
  [[nodiscard]] expected<void> publish(std::uint16_t channel, amqp_basic_publish_t const& how,
                                       amqp_basic_properties_t const& properties, std::string_view body);

  [[nodiscard]] std::string_view pending() const noexcept { return std::string_view{out_}.substr(sent_); }
  void sent(std::size_t bytes);
  void clear() { out_.clear(), sent_ = 0; }
  void limit(std::uint32_t frame_max) noexcept { frame_max_ = frame_max; }

 private:
  void append(std::uint8_t type, std::uint16_t channel, std::string_view first, std::string_view rest = {});

  std::string out_;
  std::size_t sent_ = 0;
  std::unique_ptr<char[]> scratch_;
  std::uint32_t frame_max_;
};

/// What we propose; RabbitMQ's own default.
inline constexpr std::uint32_t default_frame_max = 131'072;

}  // namespace lovage::broker::amqp
