// The faces of a RabbitMQ transport; private to this folder.
#pragma once

#include "broker/amqp/publisher.hpp"
#include "broker/transport.hpp"

#include <memory>
#include <mutex>
#include <set>

namespace lovage::broker::amqp {

/// Names of the queues that this program has dealt with: what an inspector shows beside the configured ones.
class queue_names {
 public:
  void add(queue_name const& queue) {
    std::lock_guard const lock{mutex_};
    names_.insert(queue);
  }
  [[nodiscard]] std::set<queue_name> all() const {
    std::lock_guard const lock{mutex_};
    return names_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<queue_name> names_;
};

/// What one URL's objects have in common. The publisher connects at its first message.
struct shared_parts {
  explicit shared_parts(context what) : with{std::move(what)}, outlet{std::make_shared<publisher>(with)} {}
  context const with;
  std::shared_ptr<publisher> const outlet;
  queue_names seen;
};

[[nodiscard]] std::unique_ptr<producer> make_producer(std::shared_ptr<shared_parts> of);
[[nodiscard]] expected<std::unique_ptr<consumer>> make_consumer(std::shared_ptr<shared_parts> of, consumer_options with,
                                                                deadline until);
[[nodiscard]] expected<std::unique_ptr<inbox>> make_inbox(std::shared_ptr<shared_parts> of, queue_spec const& queue,
                                                          deadline until);
[[nodiscard]] std::unique_ptr<inspector> make_inspector(std::shared_ptr<shared_parts> of);

}  // namespace lovage::broker::amqp
