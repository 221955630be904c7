// What writing makes of a stored entry: the same in every driver.
#pragma once

#include "beat/schedule_store.hpp"

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace lovage::beats {

/// An entry as stores keep it, without what claims change.
struct entry_row {
  std::string definition;
  origin from = origin::store;
  bool enabled = true;
  time_point counts_from{};
};
using entry_rows = std::map<std::string, entry_row, std::less<>>;

/// The row that `put` writes over `before` (nullptr: there is none).
[[nodiscard]] entry_row row_after_put(entry const& e, entry_row const* before, time_point now);

struct sync_plan {
  std::vector<std::pair<std::string, entry_row>> put;
  std::vector<std::string> remove;
};
/// `before` holds all rows there are.
[[nodiscard]] sync_plan plan_sync(std::span<entry const> own, entry_rows const& before, time_point now);

/// Whether `put` may write an entry of this name, where one is there or not.
[[nodiscard]] expected<void> check_put(put_mode mode, std::string_view name, bool there);

/// The entry of a row; nothing, and a line in the log, when it cannot be read.
[[nodiscard]] std::optional<entry> entry_of_row(std::string name, entry_row const& row);

}  // namespace lovage::beats
