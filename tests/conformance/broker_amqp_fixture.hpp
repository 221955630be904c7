// What the tests of the RabbitMQ driver share: one server for the program, a virtual host for each test.
#pragma once

#include "broker/amqp/amqp_transport.hpp"
#include "rabbitmq_server.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lovage::broker {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

/// Started by the first test that asks.
[[nodiscard]] testing::rabbitmq_server& rabbit();

class AmqpBroker : public ::testing::Test {
 protected:
  [[nodiscard]] settings on_own_vhost() const;
  void open(settings with);
  void open() { open(on_own_vhost()); }
  void TearDown() override;

  [[nodiscard]] std::unique_ptr<consumer> consume(std::vector<std::string> const& queues = {"q"},
                                                  std::size_t prefetch = 0) const;
  [[nodiscard]] static outgoing message(std::string body, std::string queue = "q");
  [[nodiscard]] expected<void> publish(std::vector<outgoing> const& messages, deadline until = 20s) const;
  void send(std::vector<outgoing> const& messages) const;
  [[nodiscard]] static std::vector<delivery> take(consumer& from, std::size_t count, deadline until = 30s);
  [[nodiscard]] static std::vector<std::string> bodies(consumer& from, std::size_t count, deadline until = 30s);
  static void settle(consumer& with, std::vector<delivery> const& what, disposition how = disposition::done);
  [[nodiscard]] static bool eventually(std::function<bool()> const& so, deadline until = 20s);
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
