#include "broker/postgres/foreign.hpp"

#include "broker/message_head.hpp"
#include "sql/postgres_errors.hpp"
#include "sql/sql_time.hpp"
#include "sql/sqlstate.hpp"

#include <libpq-fe.h>

#include <array>

namespace lovage::broker {
namespace {

failure put_failure(pg_conn* over, pg_result* of) {
  auto const* const state = PQresultErrorField(of, PG_DIAG_SQLSTATE);
  std::string_view const known = state == nullptr ? "" : state;
  auto text = sql::flat_text(PQerrorMessage(over));
  if (known == "3F000" || known == "42883")
    text += "; start a worker on this database once, or run what `lovage queues schema` prints";
  else
    text += sql::fix_of_sqlstate(known);
  return fail(sql::code_of_sqlstate(known), std::move(text));
}

}  // namespace

expected<void> put_messages(pg_conn* over, std::span<outgoing const> messages) {
  if (over == nullptr || PQstatus(over) != CONNECTION_OK) return fail(errc::unavailable, "the connection is lost");
  if (auto good = queues_only(messages); !good) return good;
  for (auto const& m : messages) {
    auto const priority = std::to_string(m.priority);
    auto const due = m.due ? sql::write_sql_time(*m.due) + "+00" : std::string{};
    auto const head = write_head(m.envelope);
    std::array<char const*, 5> const values{m.queue.str().c_str(), priority.c_str(), m.due ? due.c_str() : nullptr,
                                            head.data(), m.envelope.body.data()};
    std::array<int, 5> const lengths{0, 0, 0, static_cast<int>(head.size()), static_cast<int>(m.envelope.body.size())};
    std::array<int, 5> const formats{0, 0, 0, 1, 1};
    auto* const done = PQexecParams(over, "SELECT lovage.put($1, $2, $3, $4, $5)", 5, nullptr, values.data(),
                                    lengths.data(), formats.data(), 0);
    bool const ok = PQresultStatus(done) == PGRES_TUPLES_OK;
    auto why = ok ? failure{} : put_failure(over, done);
    PQclear(done);
    if (!ok) return why;
  }
  return {};
}

}  // namespace lovage::broker
