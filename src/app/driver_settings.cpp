#include "app/driver_settings.hpp"

#include "app/known_queues.hpp"

namespace lovage::detail {
namespace {

std::optional<tls_options> tls_of(tls const& given) {
  if (!given.on_) return std::nullopt;
  return tls_options{given.ca_certs_, given.certfile_, given.keyfile_, given.server_hostname_, given.verify_};
}

failover strategy_of(config const& c) {
  return c.broker_failover_strategy() == "shuffle" ? failover::shuffle : failover::round_robin;
}

}  // namespace

broker::settings broker_settings(config const& c, now_fn now) {
  auto out = broker::at(c.broker_url(), std::move(now));
  auto& to = out.connection;
  to.tls = tls_of(c.broker_use_ssl());
  to.strategy = strategy_of(c);
  to.connect_timeout = c.broker_connection_timeout();
  to.heartbeat = c.broker_heartbeat();
  to.options = c.broker_transport_options();
  out.queues = known_queues(c);
  out.delay_queue_type = c.broker_native_delayed_delivery_queue_type();
  return out;
}

backend::settings backend_settings(config const& c, now_fn now) {
  auto out = backend::at(c.result_backend(), std::move(now));
  auto& to = out.connection;
  to.tls = tls_of(c.redis_backend_use_ssl());
  to.strategy = strategy_of(c);
  auto const own = c.redis_socket_connect_timeout();
  to.connect_timeout = own.count() > 0 ? own : c.broker_connection_timeout();
  to.heartbeat = c.redis_socket_timeout();
  to.options = c.result_backend_transport_options();
  out.serializer = c.result_serializer();
  out.accept_content = c.accept_content();
  out.expires = std::chrono::duration_cast<std::chrono::seconds>(c.result_expires());
  out.persistent = c.result_persistent();
  out.table_names = c.database_table_names();
  out.table_schemas = c.database_table_schemas();
  out.database = c.database_url();
  out.django_database = c.django_database_url();
  return out;
}

}  // namespace lovage::detail
