#include "broker/postgres/postgres_transport.hpp"

#include "broker/message_head.hpp"
#include "broker/postgres/parts.hpp"
#include "broker/postgres/schema.hpp"
#include "wire/kombu_envelope.hpp"

namespace lovage::broker {
namespace postgres_broker {

expected<void> read_row_head(std::string_view head, wire::envelope& into) {
  if (!head.starts_with('{')) return read_head(head, into);
  auto read = wire::from_kombu_json(head);
  if (!read) return fail(read.error());
  into = std::move(read->message);
  return {};
}

namespace {

std::vector<std::string> split_addresses(std::string_view urls) {
  std::vector<std::string> out;
  while (!urls.empty()) {
    auto const end = std::min(urls.find(';'), urls.size());
    if (end > 0) out.emplace_back(urls.substr(0, end));
    urls.remove_prefix(std::min(end + 1, urls.size()));
  }
  return out;
}

class postgres_transport final : public transport {
 public:
  explicit postgres_transport(std::shared_ptr<shared> on) : on_{std::move(on)} {}
  [[nodiscard]] traits abilities() const override {
    return {.atomic_batches = true,
            .delayed = true,
            .priorities = true,
            .dead_set = true,
            .cross_process = true,
            .inboxes = true,
            .clock_of_server = true,
            .revocations = true,
            .pauses = true};
  }
  expected<std::unique_ptr<producer>> make_producer(deadline) override { return postgres_broker::make_producer(on_); }
  expected<std::unique_ptr<consumer>> make_consumer(consumer_options with, deadline until) override {
    return postgres_broker::make_consumer(on_, std::move(with), until);
  }
  expected<std::unique_ptr<inspector>> make_inspector(deadline) override {
    return postgres_broker::make_inspector(on_);
  }
  expected<std::unique_ptr<inbox>> make_inbox(queue_spec const& queue, deadline until) override {
    return postgres_broker::make_inbox(on_, queue, until);
  }

 private:
  std::shared_ptr<shared> on_;
};

}  // namespace
}  // namespace postgres_broker

expected<std::shared_ptr<transport>> make_postgres_transport(settings with, deadline) {
  auto how = postgres_broker::read_options(with.connection.options);
  if (!how) return fail(how.error());
  auto addresses = postgres_broker::split_addresses(with.connection.urls);
  for (auto const& a : addresses)
    if (auto good = sql::postgres_address(a); !good) return fail(good.error());
  auto on = std::make_shared<postgres_broker::shared>(std::move(with), *how, std::move(addresses));
  return std::shared_ptr<transport>{std::make_shared<postgres_broker::postgres_transport>(std::move(on))};
}

std::string postgres_schema_script() { return postgres_broker::schema_script(); }

}  // namespace lovage::broker
