// Monitoring events as messages, and the queues that monitors hear them in (wire-format 9.1).
#pragma once

#include "broker/transport.hpp"
#include "wire/event.hpp"

#include <lovage/config.hpp>

#include <span>
#include <string>
#include <vector>

namespace lovage::event_mail {

/// What senders and monitors must agree on.
struct settings {
  std::string exchange = "celeryev", queue_prefix = "celeryev";
  value::map arguments;  ///< of monitors' queues
  bool durable = false, exclusive = false;
  std::string serializer = "json";

  [[nodiscard]] static settings of(config const& c);
};

/// A queue of a fresh name for the events whose type, dots for dashes, fits `pattern`: "#", "worker.#", "task.failed".
[[nodiscard]] broker::queue_spec monitor_queue(settings const& with, std::string const& pattern);

/// One event under its own key.
[[nodiscard]] expected<broker::outgoing> write(wire::event const& e, settings const& with);
/// Several of one sender in one message; they need not name it.
[[nodiscard]] expected<broker::outgoing> write(std::span<wire::event const> batch, std::string const& sender,
                                               settings const& with);
/// Of either form. Errors: `not_accepted` (neither JSON nor `with.serializer`), `decode`.
[[nodiscard]] expected<wire::event_batch> read(wire::envelope const& e, settings const& with);

/// Hours west of UTC, exact as Celery has them since 5.7: before, it rounded half hours up.
[[nodiscard]] double hours_west() noexcept;

}  // namespace lovage::event_mail
