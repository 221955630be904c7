#include "broker_amqp_fixture.hpp"

namespace lovage::broker {

testing::rabbitmq_server& rabbit() {
  static auto const one = std::make_unique<testing::rabbitmq_server>();
  return *one;
}

settings AmqpBroker::on_own_vhost() const { return at(rabbit().url(vhost_)); }

void AmqpBroker::open(settings with) {
  on_ = make_amqp_transport(std::move(with), 5s).value();
  producer_ = on_->make_producer(5s).value();
}

void AmqpBroker::TearDown() {
  producer_.reset();
  on_.reset();
}

std::string AmqpBroker::in_vhost(std::string const& expression) const {
  return rabbit().eval("V = <<\"" + vhost_ + "\">>, " + expression);
}

}  // namespace lovage::broker
