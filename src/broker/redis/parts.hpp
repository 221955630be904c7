// The faces of the Redis broker; private to this folder.
#pragma once

#include "broker/redis/layout.hpp"
#include "broker/redis/scripts.hpp"
#include "broker/transport.hpp"
#include "redis/client.hpp"

#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace lovage::broker::redis_broker {

namespace rd = lovage::redis;

/// Keys of lovage's own and kombu's that hang together, with the global prefix.
struct keys {
  explicit keys(layout const& of);
  std::string unacked, unacked_index, unacked_mutex;
  std::string delayed, counts, dead, dead_index, dead_number, queues, paused, revoked;
  /// As `scripts::settle` takes them.
  [[nodiscard]] std::vector<std::string_view> of_settle() const {
    return {unacked, unacked_index, delayed, counts, dead, dead_index, dead_number};
  }
};

/// What all faces of one transport share. *Threads*: any.
struct shared {
  shared(settings with, options how, std::unique_ptr<rd::client> over)
      : with{std::move(with)}, names{std::move(how), over->database()}, key{names}, client{std::move(over)} {}

  settings const with;
  layout const names;
  keys const key;
  std::unique_ptr<rd::client> const client;  ///< to be cloned

  /// Whether messages to this exchange go over a channel.
  [[nodiscard]] bool is_channel(std::string const& exchange) const;
  /// An inbox told so.
  void learn_channel(std::string const& exchange);
  /// The commands that make the queue known: to Python's publishers and to `lovage queues`.
  void declare(queue_spec const& queue, rd::commands& out) const;
  /// The command that binds it alone. Bindings of replies last for a day: their readers die without a word.
  void bind(queue_spec const& queue, rd::commands& out) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> learned_;  // exchanges that are channels
};

[[nodiscard]] std::unique_ptr<producer> make_producer(std::shared_ptr<shared> on);
[[nodiscard]] expected<std::unique_ptr<consumer>> make_consumer(std::shared_ptr<shared> on, consumer_options with,
                                                                deadline until);
[[nodiscard]] std::unique_ptr<inspector> make_inspector(std::shared_ptr<shared> on);
[[nodiscard]] expected<std::unique_ptr<inbox>> make_inbox(std::shared_ptr<shared> on, queue_spec const& queue,
                                                          deadline until);

}  // namespace lovage::broker::redis_broker
