#include "broker/amqp/amqp_transport.hpp"

#include "broker/amqp/parts.hpp"

namespace lovage::broker {
namespace amqp {
namespace {

class amqp_transport final : public transport {
 public:
  explicit amqp_transport(context with) : parts_{std::make_shared<shared_parts>(std::move(with))} {}
  ~amqp_transport() override { parts_->outlet->close(); }

  [[nodiscard]] traits abilities() const override;
  expected<std::unique_ptr<producer>> make_producer(deadline) override { return amqp::make_producer(parts_); }
  expected<std::unique_ptr<consumer>> make_consumer(consumer_options with, deadline until) override {
    return amqp::make_consumer(parts_, std::move(with), until);
  }
  expected<std::unique_ptr<inspector>> make_inspector(deadline) override { return amqp::make_inspector(parts_); }
  expected<std::unique_ptr<inbox>> make_inbox(queue_spec const& queue, deadline until) override {
    return amqp::make_inbox(parts_, queue, until);
  }

 private:
  std::shared_ptr<shared_parts> parts_;
};

traits amqp_transport::abilities() const {
  traits out;
  out.delayed = out.dead_set = out.cross_process = out.exchanges = out.inboxes = out.pushes = true;
  out.revocations = out.pauses = true;
  auto const* type = find(parts_->with.queues.missing_arguments, "x-queue-type");
  out.priorities = !(type && *type == value{"quorum"});
  out.clock_of_server = true;
  out.keeps_place = out.counts_deaths = out.counts_delayed = out.counts_claimed = false;
  return out;
}

}  // namespace
}  // namespace amqp

expected<std::shared_ptr<transport>> make_amqp_transport(settings with, deadline) {
  auto to = amqp::endpoints_of(with.connection);
  if (!to) return fail(to.error());
  if (with.delay_queue_type != "quorum" && with.delay_queue_type != "classic")
    return fail(errc::bad_config, "delay queues are quorum or classic, not '" + with.delay_queue_type + "'",
                "broker_native_delayed_delivery_queue_type");
  amqp::context shared{*std::move(to), with.connection.strategy, std::move(with.now), std::move(with.queues),
                       std::move(with.delay_queue_type)};
  return std::shared_ptr<transport>{std::make_shared<amqp::amqp_transport>(std::move(shared))};
}

}  // namespace lovage::broker
