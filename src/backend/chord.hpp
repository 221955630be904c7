// Chords as result backends count them (wire-format 8.2, 8.3).
#pragma once

#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lovage::backend {

/// A chord whose header is about to be sent. *Requires*: is known before the last part can be counted.
struct chord_start {
  std::string group;      ///< id of the header
  std::int64_t size = 0;  ///< parts to come
  value body;             ///< signature of the body, when the parts do not carry it themselves; else null
  friend bool operator==(chord_start const&, chord_start const&) = default;
};

/// How one member of a header ended.
struct chord_part {
  std::string group;
  std::optional<std::int64_t> index;  ///< place in the header; without one it comes last
  task_id id;                         ///< counted once, however often it is told
  std::string status;                 ///< SUCCESS, FAILURE or REVOKED
  value result;                       ///< the exception map of what failed
  friend bool operator==(chord_part const&, chord_part const&) = default;
};

/// A chord whose parts have all ended. Whoever is handed this has the claim on it and sends the body.
struct chord_end {
  std::string group;
  std::vector<chord_part> parts;  ///< in the header's order
  value body;                     ///< as it was kept; null: the part knows
  /// Which of the parts that were told completed it; none when it was found by `claim_chords`.
  std::optional<std::size_t> by;
};

}  // namespace lovage::backend
