#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <chrono>

namespace lovage::broker::postgres_broker {

/// `broker_transport_options` of PostgreSQL.
struct options {
  /// A worker from which nothing came for so long has lost its tasks, though its connection stands.
  std::chrono::milliseconds lovage_lease{15'000};
};

/// Error `bad_config`; unknown options are warned of.
[[nodiscard]] expected<options> read_options(value::map const& from);

}  // namespace lovage::broker::postgres_broker
