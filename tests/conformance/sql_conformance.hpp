// What every database session does alike. A driver's test names itself with INSTANTIATE_TEST_SUITE_P.
#pragma once

#include "sql/session.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace lovage::sql {

struct conformance_database {
  std::function<expected<std::unique_ptr<session>>(deadline)> open;  ///< the same database every time
  char const* octets = "";                                           ///< its type for octets
  char const* moment = "";                                           ///< for moments with microseconds
  char const* real = "";                                             ///< for floating numbers
  /// Where a server is spoken to: it falls silent and comes back; it dies and is started again.
  std::function<void()> pause = {}, resume = {}, kill = {}, start = {};
};

struct conformance_sql_driver {
  char const* name;
  std::function<conformance_database()> make;  ///< an empty database that no other test uses
};

class SqlConformance : public ::testing::TestWithParam<conformance_sql_driver> {
 protected:
  void SetUp() override;
  [[nodiscard]] std::unique_ptr<session> open() const;
  /// "kept": a whole number as key and a column of every type.
  void make_table();
  result run(std::string_view text, row const& values = {});
  [[nodiscard]] error_info failed(std::string_view text, row const& values = {});
  [[nodiscard]] std::int64_t count() {
    return std::get<std::int64_t>(run("SELECT count(*) FROM kept").rows.at(0).at(0));
  }

  conformance_database on_;
  std::unique_ptr<session> session_;
};

/// For those that speak to a server.
class SqlOutage : public SqlConformance {
 protected:
  void TearDown() override { on_.resume(); }
};

}  // namespace lovage::sql
