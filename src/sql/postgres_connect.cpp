#include "config/url.hpp"
#include "core/log.hpp"
#include "io/polling.hpp"
#include "sql/postgres_errors.hpp"
#include "sql/postgres_session.hpp"
#include "sql/sqlstate.hpp"

#include <libpq-fe.h>

#include <array>

namespace lovage::sql {
namespace {

// Times come as text in UTC whatever the server's settings are. A server that waits for a lock does not notice that its
// client has gone, unless it looks (since version 14).
constexpr std::string_view at_connect =
    "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET bytea_output = 'hex'; SET standard_conforming_strings = on;"
    "SELECT set_config(name, '5s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'";

// In the verbose form an error's text bears its SQLSTATE behind the severity, whatever the server's language.
std::string_view sqlstate_in(std::string_view text) {
  for (auto at = text.find(":  "); at != std::string_view::npos; at = text.find(":  ", at + 1)) {
    auto const state = text.substr(at + 3, 6);
    if (state.size() == 6 && state[5] == ':') return state.substr(0, 5);
  }
  return {};
}

failure connect_failure(pg_conn* on, std::string const& where) {
  std::string const text = PQerrorMessage(on);
  auto const state = sqlstate_in(text);
  auto code = state.empty() ? errc::unavailable : code_of_sqlstate(state);
  auto fix = fix_of_sqlstate(state);
  if (state.empty() && PQconnectionNeedsPassword(on) != 0) code = errc::bad_config, fix = fix_of_sqlstate("28P01");
  return fail(code, flat_text(text) + std::string{fix}, where);
}

void log_notice(void*, char const* text) { log::debug("PostgreSQL: " + flat_text(text)); }

}  // namespace

expected<std::string> postgres_address(std::string_view url) {
  auto const end = url.find("://");
  auto scheme = url.substr(0, end == std::string_view::npos ? 0 : end);
  if (scheme.starts_with("db+")) scheme.remove_prefix(3);
  scheme = scheme.substr(0, scheme.find('+'));
  if (scheme != "postgresql" && scheme != "postgres" && scheme != "pgsql")
    return fail(errc::bad_config, "not the address of a PostgreSQL; write postgresql://user:password@host/database",
                mask_url(url));
  return "postgresql" + std::string{url.substr(end)};
}

expected<std::unique_ptr<postgres_session>> postgres_session::open(std::string_view url, deadline until) {
  auto const address = postgres_address(url);
  if (!address) return fail(address.error());
  std::unique_ptr<postgres_session> out{new postgres_session{mask_url(url)}};
  if (auto done = out->connect(*address, until); !done) return fail(done.error());
  if (auto done = out->script(at_connect, until); !done) return fail(done.error());
  return out;
}

// The keys before the address are what it says nothing else about: a peer that is gone is noticed within seconds.
expected<void> postgres_session::connect(std::string const& url, deadline until) {
  static constexpr std::array<char const*, 8> keys{
      "keepalives_idle", "keepalives_interval", "keepalives_count",          "tcp_user_timeout",
      "dbname",          "client_encoding",     "fallback_application_name", nullptr};
  std::array<char const*, 8> const values{"5", "3", "3", "15000", url.c_str(), "UTF8", "lovage", nullptr};
  char* wrong = nullptr;
  if (auto* const parts = PQconninfoParse(url.c_str(), &wrong)) {
    PQconninfoFree(parts);
  } else {
    auto const out = fail(errc::bad_config, flat_text(wrong == nullptr ? "not an address" : wrong), where_);
    return PQfreemem(wrong), out;
  }
  on_ = PQconnectStartParams(keys.data(), values.data(), 1);
  if (on_ == nullptr) return fail(errc::unavailable, "no memory for a connection", where_);
  PQsetErrorVerbosity(on_, PQERRORS_VERBOSE);
  PQsetNoticeProcessor(on_, &log_notice, nullptr);
  auto state = PQstatus(on_) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) {
      auto const out = connect_failure(on_, where_);
      return end(), out;
    }
    auto const events = static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT);
    if (!io::wait_for(PQsocket(on_), events, until)) return lost(errc::timeout, "no answer to the connection in time");
    state = PQconnectPoll(on_);
  }
  PQsetErrorVerbosity(on_, PQERRORS_DEFAULT);
  PQsetnonblocking(on_, 1);
  return {};
}

}  // namespace lovage::sql
