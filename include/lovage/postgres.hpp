// Sending tasks inside a transaction of one's own, over one's own connection (libpq) to the PostgreSQL that is the
// broker: a task exists if and only if what the transaction wrote does.
//
//     PQexec(connection, "BEGIN");
//     PQexec(connection, "INSERT INTO orders ...");
//     auto shipped = lovage::enqueue(app, connection, shop::ship.s(order));
//     PQexec(connection, "COMMIT");
//     shipped.get(30s);                    // after the commit: before it nobody runs the task
#pragma once

#include <lovage/app.hpp>

struct pg_conn;  // libpq's PGconn

namespace lovage {

namespace detail {
expected<task_id> enqueue_raw(app_state& app, raw_call&& call, pg_conn* connection);
}

/// Writes the task over `connection`, in whatever transaction that is in; outside one it is sent at once. Throws
/// `error`: `bad_config` where `broker_url` is no PostgreSQL or the schema lovage is not in this connection's database;
/// `encode`, `invalid_argument` and the database's own. *On failure*: PostgreSQL has then ended the transaction, as
/// after any statement that fails. *Requires*: a connection in no pipeline, whose role may write the schema lovage.
/// *Threads*: those of the connection.
template <class R>
async_result<R> enqueue(app& on, pg_conn* connection, signature<R()> call) {
  std::string name = call.raw().task;
  auto id = detail::value_or_throw(detail::enqueue_raw(*on.state(), std::move(call).raw(), connection));
  return async_result<R>{on.state(), std::move(id), std::move(name)};
}

}  // namespace lovage
