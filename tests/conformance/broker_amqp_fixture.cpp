#include "broker_amqp_fixture.hpp"

#include <thread>

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

std::unique_ptr<consumer> AmqpBroker::consume(std::vector<std::string> const& queues, std::size_t prefetch) const {
  consumer_options with;
  for (auto const& q : queues) with.queues.emplace_back(q);
  with.session_name = "test@here";
  with.prefetch = prefetch;
  return on_->make_consumer(with, 30s).value();
}

outgoing AmqpBroker::message(std::string body, std::string queue) {
  outgoing out;
  out.queue = queue_name{std::move(queue)};
  out.envelope.content_type = "application/json";
  out.envelope.body = std::move(body);
  return out;
}

expected<void> AmqpBroker::publish(std::vector<outgoing> const& messages, deadline until) const {
  return producer_->publish(messages, until);
}

void AmqpBroker::send(std::vector<outgoing> const& messages) const {
  auto const sent = publish(messages);
  ASSERT_TRUE(sent) << sent.error().text();
}

std::vector<delivery> AmqpBroker::take(consumer& from, std::size_t count, deadline until) {
  std::vector<delivery> out;
  while (out.size() < count && !until.passed()) {
    auto some = from.claim(count - out.size(), until).value();
    std::move(some.begin(), some.end(), std::back_inserter(out));
  }
  return out;
}

std::vector<std::string> AmqpBroker::bodies(consumer& from, std::size_t count, deadline until) {
  std::vector<std::string> out;
  for (auto& d : take(from, count, until)) out.push_back(std::move(d.envelope.body));
  return out;
}

void AmqpBroker::settle(consumer& with, std::vector<delivery> const& what, disposition how) {
  std::vector<settlement> all;
  for (auto const& d : what) all.push_back({d.tag, how, "why"});
  auto const done = with.settle(all, 20s);
  ASSERT_TRUE(done) << done.error().text();
}

bool AmqpBroker::eventually(std::function<bool()> const& so, deadline until) {
  while (!so()) {
    if (until.passed()) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

std::string AmqpBroker::in_vhost(std::string const& expression) const {
  return rabbit().eval("V = <<\"" + vhost_ + "\">>, " + expression);
}

}  // namespace lovage::broker
