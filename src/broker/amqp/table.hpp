// AMQP's typed tables and our values (wire-format 1.3).
#pragma once

#include "broker/amqp/arena.hpp"

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

namespace lovage::broker::amqp {

/// Written as py-amqp does: S t I L d V A F, D and T where they hold the value, else text. The table borrows from
/// `from` and from `memory`. *On failure*: `encode` for a key longer than 255 bytes or a value nested deeper than 64.
[[nodiscard]] expected<amqp_table_t> to_table(value::map const& from, arena& memory);
expected<amqp_table_t> to_table(value::map&& from, arena& memory) = delete;  // would be gone before the table is sent

/// All that RabbitMQ can send. `L` is signed, as RabbitMQ and py-amqp have it; text that is no UTF-8 becomes bytes;
/// what is nested deeper than 64 becomes null.
[[nodiscard]] value::map from_table(amqp_table_t const& table);

/// First entry of this key, or nullptr.
[[nodiscard]] amqp_field_value_t const* find(amqp_table_t const& table, std::string_view key) noexcept;

}  // namespace lovage::broker::amqp
