// The faces of the PostgreSQL broker; private to this folder.
#pragma once

#include "broker/postgres/line.hpp"

#include <span>
#include <vector>

namespace lovage::broker::postgres_broker {

/// An inbox whose reader lives.
struct living_inbox {
  std::int64_t id = 0;
  queue_spec spec;
};
[[nodiscard]] expected<std::vector<living_inbox>> living_inboxes(line& over, deadline until);

/// The bytes of column `head`: MessagePack of lovage's programs, or kombu's JSON of `lovage.enqueue`.
[[nodiscard]] expected<void> read_row_head(std::string_view head, wire::envelope& into);

/// Seconds since 1970 in microseconds, as statements give and take moments.
[[nodiscard]] inline time_point moment_of(std::int64_t us) { return time_point{std::chrono::microseconds{us}}; }

[[nodiscard]] std::unique_ptr<producer> make_producer(std::shared_ptr<shared> on);
[[nodiscard]] expected<std::unique_ptr<consumer>> make_consumer(std::shared_ptr<shared> on, consumer_options with,
                                                                deadline until);
[[nodiscard]] std::unique_ptr<inspector> make_inspector(std::shared_ptr<shared> on);
[[nodiscard]] expected<std::unique_ptr<inbox>> make_inbox(std::shared_ptr<shared> on, queue_spec const& queue,
                                                          deadline until);

}  // namespace lovage::broker::postgres_broker
