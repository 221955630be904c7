// Remote control's mailboxes (kombu's pidbox): their queues, and requests and replies as messages.
#pragma once

#include "broker/transport.hpp"
#include "core/clock.hpp"
#include "wire/control.hpp"

#include <lovage/config.hpp>

#include <string>
#include <vector>

namespace lovage::control_mail {

/// What both sides of a mailbox must agree on.
struct settings {
  std::string exchange = "celery.pidbox", reply_exchange = "reply.celery.pidbox";
  value::map arguments;  ///< of the queues
  bool durable = false, exclusive = false;
  std::string serializer = "json";  ///< what is written: JSON wherever that is accepted
  std::vector<std::string> accept_content{"json"};

  /// Throws `error{bad_config}` for queues that are to be durable and exclusive.
  [[nodiscard]] static settings of(config const& c);
};

/// Where a node hears requests.
[[nodiscard]] broker::queue_spec request_queue(settings const& with, std::string const& node);
/// Where a client hears replies; `oid` is its own name.
[[nodiscard]] broker::queue_spec reply_queue(settings const& with, std::string const& oid);

[[nodiscard]] expected<broker::outgoing> write(wire::control_request const& r, settings const& with);
/// To where the request said.
[[nodiscard]] expected<broker::outgoing> write(wire::control_reply const& r, wire::reply_address const& to,
                                               settings const& with);
/// Errors: `not_accepted` (content type), `decode`.
[[nodiscard]] expected<wire::control_request> read_request(wire::envelope const& e, settings const& with);
[[nodiscard]] expected<wire::control_reply> read_reply(wire::envelope const& e, settings const& with);

}  // namespace lovage::control_mail
