#include "broker/redis/redis_transport.hpp"

#include "broker/redis/parts.hpp"

#include <algorithm>

namespace lovage::broker {
namespace redis_broker {

keys::keys(layout const& of)
    : unacked{of.key(of.with().unacked_key)},
      unacked_index{of.key(of.with().unacked_index_key)},
      unacked_mutex{of.key(of.with().unacked_mutex_key)},
      delayed{of.key("lovage.delayed")},
      counts{of.key("lovage.counts")},
      dead{of.key("lovage.dead")},
      dead_index{of.key("lovage.dead.index")},
      dead_number{of.key("lovage.dead.number")},
      queues{of.key("lovage.queues")},
      paused{of.key("lovage.paused")},
      revoked{of.key("lovage.revoked")} {}

bool shared::is_channel(std::string const& exchange) const {
  auto const& all = with.queues.queues;
  auto const at = std::find_if(all.begin(), all.end(), [&](auto const& q) { return q.exchange == exchange; });
  if (at != all.end()) return at->exchange_type == "fanout" || at->broadcast;
  {
    std::lock_guard const lock{mutex_};
    if (learned_.count(exchange) > 0) return true;
  }
  return is_channel_by_name(exchange);
}

void shared::learn_channel(std::string const& exchange) {
  std::lock_guard const lock{mutex_};
  learned_.insert(exchange);
}

// Also on a full server, which would refuse a command that only adds (scripts.cpp).
void shared::declare(queue_spec const& queue, rd::commands& out) const {
  if (!queue.exchange.empty()) bind(queue, out);
  out.add({"EVAL", all_scripts().add_member.text(), "1", key.queues, queue.name.str(), ""});
}

void shared::bind(queue_spec const& queue, rd::commands& out) const {
  auto const lasts = is_for_replies(queue.exchange) ? replies_last : "";
  out.add({"EVAL", all_scripts().add_member.text(), "1", names.bindings(queue.exchange),
           names.write(layout::binding_of(queue)), lasts});
}

namespace {

class redis_transport final : public transport {
 public:
  explicit redis_transport(std::shared_ptr<shared> on) : on_{std::move(on)} {}
  [[nodiscard]] traits abilities() const override {
    return {.atomic_batches = true,
            .delayed = true,
            .priorities = true,
            .dead_set = true,
            .cross_process = true,
            .exchanges = true,
            .inboxes = true,
            .keeps_unread_replies = true,
            .revocations = true,
            .pauses = true};
  }
  expected<std::unique_ptr<producer>> make_producer(deadline) override { return redis_broker::make_producer(on_); }
  expected<std::unique_ptr<consumer>> make_consumer(consumer_options with, deadline until) override {
    return redis_broker::make_consumer(on_, std::move(with), until);
  }
  expected<std::unique_ptr<inspector>> make_inspector(deadline) override { return redis_broker::make_inspector(on_); }
  expected<std::unique_ptr<inbox>> make_inbox(queue_spec const& queue, deadline until) override {
    return redis_broker::make_inbox(on_, queue, until);
  }

 private:
  std::shared_ptr<shared> on_;
};

}  // namespace
}  // namespace redis_broker

expected<std::shared_ptr<transport>> make_redis_transport(settings with, deadline until) {
  auto how = redis_broker::read_options(with.connection.options);
  if (!how) return fail(how.error());
  auto client = lovage::redis::client::make(with.connection);
  if (!client) return fail(client.error());
  lovage::redis::commands ping;
  ping.add({"PING"});
  auto const said = (*client)->run(ping, lovage::redis::repeat::yes, until);
  if (!said) return fail(said.error());
  auto on = std::make_shared<redis_broker::shared>(std::move(with), *std::move(how), *std::move(client));
  return std::shared_ptr<transport>{std::make_shared<redis_broker::redis_transport>(std::move(on))};
}

}  // namespace lovage::broker
