#include "sql/mysql_wire.hpp"

#include "io/polling.hpp"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>

namespace lovage::sql {
namespace {

struct fault_row {
  unsigned code;
  errc means;
};

// What is not in here is `internal`: a fault of ours, or one that nobody has met yet.
constexpr fault_row fault_table[] = {
    {CR_CONNECTION_ERROR, errc::unavailable},
    {CR_CONN_HOST_ERROR, errc::unavailable},
    {CR_UNKNOWN_HOST, errc::unavailable},
    {CR_SERVER_GONE_ERROR, errc::unavailable},
    {CR_SERVER_LOST, errc::unavailable},
    {CR_SERVER_LOST_EXTENDED, errc::unavailable},
    {CR_SERVER_HANDSHAKE_ERR, errc::unavailable},
    {CR_MALFORMED_PACKET, errc::unavailable},
    {CR_SSL_CONNECTION_ERROR, errc::unavailable},
    {ER_CON_COUNT_ERROR, errc::unavailable},
    {ER_TOO_MANY_USER_CONNECTIONS, errc::unavailable},
    {ER_SERVER_SHUTDOWN, errc::unavailable},
    {ER_NORMAL_SHUTDOWN, errc::unavailable},
    {ER_CONNECTION_KILLED, errc::unavailable},
    {ER_DUP_ENTRY, errc::conflict},
    {ER_DUP_ENTRY_WITH_KEY_NAME, errc::conflict},
    {ER_LOCK_DEADLOCK, errc::conflict},
    {ER_LOCK_WAIT_TIMEOUT, errc::conflict},
    {ER_CHECKREAD, errc::conflict},
    {ER_DISK_FULL, errc::no_space},
    {ER_RECORD_FILE_FULL, errc::no_space},
    {ER_ACCESS_DENIED_ERROR, errc::bad_config},
    {ER_ACCESS_DENIED_NO_PASSWORD_ERROR, errc::bad_config},
    {ER_DBACCESS_DENIED_ERROR, errc::bad_config},
    {ER_TABLEACCESS_DENIED_ERROR, errc::bad_config},
    {ER_COLUMNACCESS_DENIED_ERROR, errc::bad_config},
    {ER_SPECIFIC_ACCESS_DENIED_ERROR, errc::bad_config},
    {ER_BAD_DB_ERROR, errc::bad_config},
    {ER_NO_SUCH_TABLE, errc::bad_config},
    {ER_BAD_TABLE_ERROR, errc::bad_config},
    {ER_TABLE_EXISTS_ERROR, errc::bad_config},
    {ER_BAD_FIELD_ERROR, errc::bad_config},
    {ER_PARSE_ERROR, errc::bad_config},
    {ER_SYNTAX_ERROR, errc::bad_config},
    {CR_AUTH_PLUGIN_CANNOT_LOAD, errc::bad_config},
    {ER_DATA_TOO_LONG, errc::invalid_argument},
    {ER_WARN_DATA_OUT_OF_RANGE, errc::invalid_argument},
    {ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, errc::invalid_argument},
    {ER_TRUNCATED_WRONG_VALUE, errc::invalid_argument},
    {ER_BAD_NULL_ERROR, errc::invalid_argument},
    {ER_NET_PACKET_TOO_LARGE, errc::invalid_argument},
    {ER_CONSTRAINT_FAILED, errc::invalid_argument},
    {ER_NO_REFERENCED_ROW_2, errc::invalid_argument},
};

errc meaning_of(unsigned code) {
  for (auto const& r : fault_table)
    if (r.code == code) return r.means;
  return errc::internal;
}

short poll_events(int status) {
  return static_cast<short>(((status & MYSQL_WAIT_READ) != 0 ? POLLIN : 0) |
                            ((status & MYSQL_WAIT_WRITE) != 0 ? POLLOUT : 0) |
                            ((status & MYSQL_WAIT_EXCEPT) != 0 ? POLLPRI : 0));
}

// READ COMMITTED takes no locks on gaps: writers of different rows do not wait for each other.
constexpr char const* manners =
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; "
    "SET SESSION time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'";

constexpr std::array known_options{"unix_socket", "charset", "ssl_ca", "ssl_cert", "ssl_key"};

expected<void> check_options(url const& to) {
  for (auto const& [key, text] : to.query)
    if (std::find(known_options.begin(), known_options.end(), key) == known_options.end())
      return fail(errc::bad_config, "'" + key +
                                        "' is no option of a mysql:// URL; it knows unix_socket, charset, ssl_ca, "
                                        "ssl_cert and ssl_key");
  return {};
}

char const* option(url const& to, char const* key) {
  auto const at = to.query.find(key);
  return at == to.query.end() ? nullptr : at->second.c_str();
}

}  // namespace

mysql_wire::mysql_wire() : on_{mysql_init(nullptr)} {
  mysql_options(on_, MYSQL_OPT_NONBLOCK, nullptr);
  mysql_options(on_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
}

mysql_wire::~mysql_wire() { mysql_close(on_); }

failure mysql_wire::failed(unsigned code, char const* text) {
  auto const means = meaning_of(code);
  if (means == errc::unavailable) alive_ = false;
  return fail(means, "the database says: " + std::string{text} + " (" + std::to_string(code) + ")", where_);
}
failure mysql_wire::failed() { return failed(mysql_errno(on_), mysql_error(on_)); }
failure mysql_wire::failed(MYSQL_STMT* on) { return failed(mysql_stmt_errno(on), mysql_stmt_error(on)); }

// At the deadline the library still stands in the middle of its call: with its socket shut it finds its way out.
template <class Start, class Go>
expected<void> mysql_wire::wait(Start&& start, Go&& go, deadline until) {
  bool late = false;
  for (int status = start(); status != 0;) {
    auto const fd = mysql_get_socket(on_);
    auto limit = until;
    if ((status & MYSQL_WAIT_TIMEOUT) != 0)
      limit = limit.sooner(deadline::in(std::chrono::milliseconds{mysql_get_timeout_value_ms(on_)}));
    bool const ready = late || io::wait_for(fd, poll_events(status), limit);
    if (!ready && until.passed()) {
      late = true;
      ::shutdown(fd, SHUT_RDWR);
    }
    status = go(ready || late ? status & ~MYSQL_WAIT_TIMEOUT : status & MYSQL_WAIT_TIMEOUT);
  }
  if (!late) return {};
  alive_ = false;
  return fail(errc::timeout, "the database did not answer in time", where_);
}

expected<void> mysql_wire::connect(url const& to, deadline until) {
  if (auto known = check_options(to); !known) return known;
  where_ = to.host + (to.path.empty() ? "" : "/" + to.path);
  if (auto const* ca = option(to, "ssl_ca")) {
    my_bool const verify = 1;
    mysql_optionsv(on_, MYSQL_OPT_SSL_CA, ca);
    mysql_optionsv(on_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  }
  if (auto const* cert = option(to, "ssl_cert")) mysql_optionsv(on_, MYSQL_OPT_SSL_CERT, cert);
  if (auto const* key = option(to, "ssl_key")) mysql_optionsv(on_, MYSQL_OPT_SSL_KEY, key);
  MYSQL* made = nullptr;
  auto const flags = static_cast<unsigned long>(CLIENT_MULTI_STATEMENTS | CLIENT_FOUND_ROWS);
  auto const* const host = to.host.empty() ? nullptr : to.host.c_str();
  auto done = wait(
      [&] {
        return mysql_real_connect_start(&made, on_, host, to.user.c_str(), to.password.c_str(), to.path.c_str(),
                                        to.port.value_or(0), option(to, "unix_socket"), flags);
      },
      [&](int status) { return mysql_real_connect_cont(&made, on_, status); }, until);
  if (!done) return done;
  if (made == nullptr) return failed();
  alive_ = true;
  return query(manners, until);
}

expected<void> mysql_wire::query(std::string_view text, deadline until) {
  int wrong = 0;
  auto done = wait([&] { return mysql_real_query_start(&wrong, on_, text.data(), text.size()); },
                   [&](int status) { return mysql_real_query_cont(&wrong, on_, status); }, until);
  if (!done) return done;
  if (wrong != 0) return failed();
  return drain(until);
}

expected<void> mysql_wire::drain(deadline until) {
  for (;;) {
    MYSQL_RES* rows = nullptr;
    auto done = wait([&] { return mysql_store_result_start(&rows, on_); },
                     [&](int status) { return mysql_store_result_cont(&rows, on_, status); }, until);
    if (rows != nullptr) mysql_free_result(rows);
    if (!done) return done;
    if (mysql_errno(on_) != 0) return failed();
    if (mysql_more_results(on_) == 0) return {};
    int more = 0;
    done = wait([&] { return mysql_next_result_start(&more, on_); },
                [&](int status) { return mysql_next_result_cont(&more, on_, status); }, until);
    if (!done) return done;
    if (more > 0) return failed();
  }
}

expected<MYSQL_STMT*> mysql_wire::prepare(std::string_view text, deadline until) {
  auto* const made = mysql_stmt_init(on_);
  if (made == nullptr) return failed();
  my_bool const measure = 1;  // so that `max_length` is known of columns of any length
  mysql_stmt_attr_set(made, STMT_ATTR_UPDATE_MAX_LENGTH, &measure);
  int wrong = 0;
  auto done = wait([&] { return mysql_stmt_prepare_start(&wrong, made, text.data(), text.size()); },
                   [&](int status) { return mysql_stmt_prepare_cont(&wrong, made, status); }, until);
  if (done && wrong == 0) return made;
  auto why = done ? failed(made) : fail(done.error());
  mysql_stmt_close(made);
  return why;
}

expected<void> mysql_wire::execute(MYSQL_STMT* on, deadline until) {
  int wrong = 0;
  auto done = wait([&] { return mysql_stmt_execute_start(&wrong, on); },
                   [&](int status) { return mysql_stmt_execute_cont(&wrong, on, status); }, until);
  if (!done) return done;
  if (wrong != 0) return failed(on);
  if (mysql_stmt_field_count(on) == 0) return {};
  done = wait([&] { return mysql_stmt_store_result_start(&wrong, on); },
              [&](int status) { return mysql_stmt_store_result_cont(&wrong, on, status); }, until);
  if (!done) return done;
  return wrong != 0 ? failed(on) : expected<void>{};
}

expected<void> mysql_wire::execute_bulk(MYSQL_STMT* on, MYSQL_BIND* binds, std::size_t count, deadline until) {
  auto const many = static_cast<unsigned>(count);
  unsigned const one = 0;
  mysql_stmt_attr_set(on, STMT_ATTR_ARRAY_SIZE, &many);
  mysql_stmt_bind_param(on, binds);
  auto done = execute(on, until);
  mysql_stmt_attr_set(on, STMT_ATTR_ARRAY_SIZE, &one);
  return done;
}

bool mysql_wire::takes_bulk() const noexcept {
  unsigned long extended = 0;
  if (mariadb_get_infov(on_, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &extended) != 0) return false;
  return (extended & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32U)) != 0;
}

}  // namespace lovage::sql
