// The suite of the plug point on RabbitMQ, with classic and with quorum queues.
#include "broker_amqp_fixture.hpp"
#include "broker_conformance.hpp"

#include <gmock/gmock.h>

namespace lovage::broker {
namespace {

std::shared_ptr<transport> open_classic(settings with) {
  with.connection.urls = rabbit().url(rabbit().fresh_vhost());
  with.delay_queue_type = "classic";  // 28 of them for each test
  return make_amqp_transport(std::move(with), 5s).value();
}

std::shared_ptr<transport> open_quorum(settings with) {
  with.queues.missing_arguments = value::map{{"x-queue-type", "quorum"}};
  return open_classic(std::move(with));
}

INSTANTIATE_TEST_SUITE_P(RabbitMQ, BrokerConformance,
                         ::testing::Values(conformance_driver{"classic", open_classic, 300ms},
                                           conformance_driver{"quorum", open_quorum, 300ms}),
                         [](auto const& of) { return of.param.name; });

}  // namespace
}  // namespace lovage::broker
