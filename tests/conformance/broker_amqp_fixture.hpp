// What the tests of the RabbitMQ driver share: one server for the program, a virtual host for each test.
#pragma once

#include "broker/amqp/amqp_transport.hpp"
#include "broker_steps.hpp"
#include "rabbitmq_server.hpp"

#include <memory>
#include <string>
#include <vector>

namespace lovage::broker {

/// Started by the first test that asks.
[[nodiscard]] testing::rabbitmq_server& rabbit();

class AmqpBroker : public ::testing::Test, protected broker_steps {
 protected:
  [[nodiscard]] settings on_own_vhost() const;
  void open(settings with);
  void open() { open(on_own_vhost()); }
  void TearDown() override;

  [[nodiscard]] std::unique_ptr<consumer> consume(std::vector<std::string> const& queues = {"q"},
                                                  std::size_t prefetch = 0) const {
    return broker_steps::consume(*on_, queues, prefetch);
  }
  [[nodiscard]] expected<void> publish(std::vector<outgoing> const& messages, deadline until = 20s) const {
    return producer_->publish(messages, until);
  }
  void send(std::vector<outgoing> const& messages) const { broker_steps::send(*producer_, messages); }
  /// Runs one Erlang expression that ends in a count, for this test's virtual host, bound to V.
  [[nodiscard]] std::string in_vhost(std::string const& expression) const;

  std::string const vhost_ = rabbit().fresh_vhost();
  std::shared_ptr<transport> on_;
  std::unique_ptr<producer> producer_;
};

[[nodiscard]] inline queue_spec spec_of(std::string const& name, value::map arguments = {}) {
  queue_spec q;
  q.name = queue_name{name};
  q.exchange = q.routing_key = name;
  q.arguments = std::move(arguments);
  return q;
}

}  // namespace lovage::broker
