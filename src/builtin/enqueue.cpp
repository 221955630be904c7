// The one place where a call is written over a connection that is not lovage's.
#include "app/app_state.hpp"
#include "broker/postgres/foreign.hpp"
#include "sql/postgres_session.hpp"

#include <lovage/postgres.hpp>

namespace lovage::detail {

expected<task_id> enqueue_raw(app_state& app, raw_call&& call, pg_conn* connection) {
  if (auto const url = app.settings.broker_write_url(); !sql::postgres_address(url))
    return fail(errc::bad_config, "this broker is no PostgreSQL, and takes part in no transaction of one",
                "broker_url");
  if (auto listening = app.expect_replies(app.operation_deadline()); !listening) return fail(listening.error());
  task_id id;
  auto const messages = messages_for_queues(app, std::move(call), id);
  if (!messages) return fail(messages.error());
  if (auto put = broker::put_messages(connection, *messages); !put) return fail(put.error());
  return id;
}

}  // namespace lovage::detail
