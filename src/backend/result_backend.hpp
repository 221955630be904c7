// The result backend plug point. Drivers are put through tests/conformance/backend_conformance.hpp.
#pragma once

#include "wire/result_record.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace lovage::backend {

/// Waits for any number of results at once. *Threads*: one at a time, `interrupt` from any.
class watch {
 public:
  virtual ~watch() = default;
  virtual void add(std::span<task_id const> ids) = 0;
  virtual void remove(task_id const& id) = 0;
  /// Waits until records of watched ids were written since the last call (or are there at the first) and returns the
  /// newest of each. An id whose record is ready leaves the watch. Empty at the deadline or after `interrupt`.
  [[nodiscard]] virtual expected<std::vector<wire::result_record>> next(deadline until) = 0;
  virtual void interrupt() = 0;
};

/// *Threads*: any, concurrently.
class result_backend {
 public:
  virtual ~result_backend() = default;
  /// Writes all in one step. A stored SUCCESS is final and is not overwritten (wire-format 7.3); any other record is
  /// replaced. Records carry their own expiry, counted from now; zero: kept for ever.
  [[nodiscard]] virtual expected<void> store(std::span<wire::result_record const> records, std::chrono::seconds expires,
                                             deadline until) = 0;
  /// One per id, in order; PENDING for those that are not there.
  [[nodiscard]] virtual expected<std::vector<wire::result_record>> fetch(std::span<task_id const> ids,
                                                                         deadline until) = 0;
  [[nodiscard]] virtual expected<void> forget(std::span<task_id const> ids, deadline until) = 0;
  [[nodiscard]] virtual expected<std::unique_ptr<watch>> make_watch() = 0;
  /// Removes what has expired; number removed. Reading never shows an expired record, cleaned or not.
  [[nodiscard]] virtual expected<std::uint64_t> cleanup(deadline until) = 0;
};

}  // namespace lovage::backend
