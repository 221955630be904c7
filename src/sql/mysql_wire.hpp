// One connection of libmariadb whose calls end at deadlines.
#pragma once

#include "config/url.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <string>
#include <string_view>

struct st_mysql;
struct st_mysql_bind;
struct st_mysql_stmt;

namespace lovage::sql {

/// The library's calls come in pairs, `x_start` and `x_cont`, and say between them what they wait for. *Threads*: one
/// at a time.
class mysql_wire {
 public:
  mysql_wire();
  ~mysql_wire();
  mysql_wire(mysql_wire const&) = delete;
  mysql_wire& operator=(mysql_wire const&) = delete;

  [[nodiscard]] expected<void> connect(url const& to, deadline until);
  /// One or several statements as text; what they answer is thrown away.
  [[nodiscard]] expected<void> query(std::string_view text, deadline until);
  /// A new statement; to be closed by the caller before this goes.
  [[nodiscard]] expected<st_mysql_stmt*> prepare(std::string_view text, deadline until);
  /// Executes, and takes the rows in when there are any.
  [[nodiscard]] expected<void> execute(st_mysql_stmt* on, deadline until);

  /// The same for each of `count` sets, which `binds` holds column by column, in one round trip. *Requires*: a
  /// statement that gives no rows, and `takes_bulk`.
  [[nodiscard]] expected<void> execute_bulk(st_mysql_stmt* on, st_mysql_bind* binds, std::size_t count, deadline until);
  /// A MariaDB of 10.2 or later.
  [[nodiscard]] bool takes_bulk() const noexcept;

  [[nodiscard]] bool alive() const noexcept { return alive_; }

 private:
  template <class Start, class Go>
  [[nodiscard]] expected<void> wait(Start&& start, Go&& go, deadline until);
  [[nodiscard]] expected<void> drain(deadline until);
  [[nodiscard]] failure failed(unsigned code, char const* text);
  [[nodiscard]] failure failed();
  [[nodiscard]] failure failed(st_mysql_stmt* on);

  st_mysql* on_;
  std::string where_;
  bool alive_ = false;
};

}  // namespace lovage::sql
