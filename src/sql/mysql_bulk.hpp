// Many sets of values on their way to MariaDB, as its library takes them for one execution.
#pragma once

#include "sql/session.hpp"

#include <memory>
#include <span>

struct st_mysql_bind;
struct st_mysql_time;

namespace lovage::sql {

/// Column by column. *Lifetime*: the sets outlive it.
class bulk_parameters {
 public:
  explicit bulk_parameters(std::span<row const> sets);
  ~bulk_parameters();
  bulk_parameters(bulk_parameters const&) = delete;
  bulk_parameters& operator=(bulk_parameters const&) = delete;
  /// False when the values of a column are of several kinds, or the sets of several lengths: then there is no `data`.
  [[nodiscard]] bool fit() const noexcept { return fit_; }
  [[nodiscard]] st_mysql_bind* data() noexcept;

 private:
  struct columns;
  [[nodiscard]] bool add(std::span<row const> sets, std::size_t place);

  bool fit_ = true;
  std::unique_ptr<columns> of_;
};

/// About as much as it takes on its way.
[[nodiscard]] std::size_t octets_of_set(row const& set);
[[nodiscard]] st_mysql_time to_mysql(time_point t);

}  // namespace lovage::sql
