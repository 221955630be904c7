// RabbitMQ: `amqp://`, `amqps://`, `pyamqp://`, `pyamqps://`.
#pragma once

#include "broker/transport.hpp"

namespace lovage::broker {

/// Does not connect: a producer does at its first message, consumers, inboxes and inspectors when they are made.
/// *On failure*: `bad_config`.
[[nodiscard]] expected<std::shared_ptr<transport>> make_amqp_transport(settings with, deadline until);

}  // namespace lovage::broker
