// An envelope as AMQP's basic properties and back, and the headers that are the driver's own.
#pragma once

#include "broker/amqp/arena.hpp"
#include "wire/envelope.hpp"

#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <amqp_framing.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace lovage::broker::amqp {

/// Headers that lovage adds to a message under way and takes off on arrival. Other programs pass over them.
namespace own {
inline constexpr std::string_view prefix = "x-lovage-";
inline constexpr char const* attempts = "x-lovage-attempts";  ///< how often a worker began and did not finish
inline constexpr char const* due = "x-lovage-due";            ///< microseconds since 1970, where `eta` does not say it
inline constexpr char const* dead_id = "x-lovage-dead-id";
inline constexpr char const* dead_reason = "x-lovage-dead-reason";
inline constexpr char const* dead_queue = "x-lovage-dead-queue";
inline constexpr char const* died_at = "x-lovage-died-at";
inline constexpr char const* dead_expiration = "x-lovage-dead-expiration";  ///< the dead do not expire
}  // namespace own

/// `priority` goes before the envelope's; `added` are further headers. Borrows from all of them and from `memory`.
/// *On failure*: `encode`.
[[nodiscard]] expected<amqp_basic_properties_t> to_properties(wire::envelope const& from, std::optional<int> priority,
                                                              value::map const& added, arena& memory);

struct arrival {
  wire::envelope envelope;        ///< without body
  value::map own;                 ///< the driver's headers
  std::uint32_t attempts = 0;     ///< of `own`
  std::optional<time_point> due;  ///< of `own`, else of the header `eta`
  bool readable = true;           ///< false: the properties are no AMQP; the envelope is empty
};

/// `encoded` is the payload of a content header behind the body's size. Marks of the delay queues (wire-format 4.5) and
/// RabbitMQ's own delivery count are left out: they say how the message came, not what it is.
[[nodiscard]] arrival read_properties(std::string_view encoded, arena& memory);

}  // namespace lovage::broker::amqp
