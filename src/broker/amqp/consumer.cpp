#include "broker/amqp/parts.hpp"
#include "broker/amqp/subscriber.hpp"

namespace lovage::broker::amqp {
namespace {

class amqp_producer final : public producer {
 public:
  explicit amqp_producer(std::shared_ptr<shared_parts> of) : of_{std::move(of)} {}
  expected<void> publish(std::span<outgoing const> messages, deadline until) override {
    queue_name const* last = nullptr;
    for (auto const& m : messages) {
      if (m.must_route && !m.queue.empty() && (last == nullptr || *last != m.queue)) of_->seen.add(m.queue);
      last = &m.queue;
    }
    return of_->outlet->publish(messages, until);
  }

 private:
  std::shared_ptr<shared_parts> of_;
};

class amqp_consumer final : public consumer {
 public:
  amqp_consumer(std::shared_ptr<shared_parts> of, std::shared_ptr<subscriber> by)
      : of_{std::move(of)}, by_{std::move(by)} {}
  ~amqp_consumer() override { by_->close(); }
  expected<std::vector<delivery>> claim(std::size_t max, deadline until) override { return by_->claim(max, until); }
  expected<void> settle(std::span<settlement const> what, deadline until) override { return by_->settle(what, until); }
  expected<void> subscribe(queue_spec const& queue, deadline until) override {
    of_->seen.add(queue.name);
    return by_->add(queue, until);
  }
  expected<void> unsubscribe(queue_name const& queue, deadline until) override { return by_->remove(queue, until); }
  void select(std::span<queue_name const> queues) override { by_->select(queues); }
  void allow(std::size_t octets) override { by_->allow(octets); }
  void ahead(queue_name const& queue, std::size_t most) override { by_->ahead(queue, most); }
  void widen(std::size_t prefetch) override { by_->widen(prefetch); }
  std::vector<revocation> revoked() override { return by_->revoked(); }
  void interrupt() override { by_->interrupt(); }
  [[nodiscard]] bool consuming() const override { return by_->consuming(); }
  void close() override { by_->close(); }

 private:
  std::shared_ptr<shared_parts> of_;
  std::shared_ptr<subscriber> by_;
};

}  // namespace

std::unique_ptr<producer> make_producer(std::shared_ptr<shared_parts> of) {
  return std::make_unique<amqp_producer>(std::move(of));
}

expected<std::unique_ptr<consumer>> make_consumer(std::shared_ptr<shared_parts> of, consumer_options with,
                                                  deadline until) {
  std::vector<queue_spec> queues;
  for (auto const& name : with.queues) {
    auto spec = of->with.queues.find(name);
    if (!spec) return fail(spec.error());
    of->seen.add(name);
    queues.push_back(*std::move(spec));
  }
  auto by = std::make_shared<subscriber>(of->with, of->outlet, std::move(queues), std::move(with));
  by->start();
  if (auto ready = by->wait_until_subscribed(until); !ready) {
    by->close();
    return fail(ready.error());
  }
  return std::unique_ptr<consumer>{std::make_unique<amqp_consumer>(std::move(of), std::move(by))};
}

}  // namespace lovage::broker::amqp
