// The delay queues of Celery 5.5 and later (wire-format 4.5): 28 levels, each of which holds a message for twice as
// long as the next, or lets it pass, as the binary digits of the delay in its routing key say.
//
//   celery_delayed_27 --0--> celery_delayed_26 --0--> ... --> celery_delayed_0 --> celery_delayed_delivery --> queues
//            1 |  ^ 2^27 s           1 |                             1 |
//              queue                  queue                          queue
#pragma once

#include <lovage/types.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::broker::amqp::ladder {

inline constexpr int levels = 28;
inline constexpr char const* delivery_exchange = "celery_delayed_delivery";
inline constexpr std::chrono::seconds longest{(std::int64_t{1} << levels) - 1};

/// "celery_delayed_27": of both the exchange and the queue.
[[nodiscard]] std::string level_name(int level);
/// How a queue is bound to its level's exchange ('1'), and an exchange to the next ('0').
[[nodiscard]] std::string level_key(int level, char digit);

/// What a message is sent to the first level with, so that it comes to `queue` after that many seconds. Nothing when
/// the name is too long, or has a word that topics take for a pattern. `delay` is cut to `longest`: whoever gets it
/// early sends it round again.
///
/// Celery ends its keys with the routing key of the task and binds `#.<routing key>`, which takes a message for the
/// queue "a.high" to "high" as well. Our keys end in a word of their own, and bindings name every word.
[[nodiscard]] std::optional<std::string> key_for(queue_name const& queue, std::chrono::seconds delay);
/// How `queue` is bound to `delivery_exchange` for that.
[[nodiscard]] std::string binding_of(queue_name const& queue);

/// Whole seconds until `due`: how long the ladder keeps it. The rest is waited for by whoever gets the message.
[[nodiscard]] std::chrono::seconds whole_seconds(time_point due, time_point now);

}  // namespace lovage::broker::amqp::ladder
