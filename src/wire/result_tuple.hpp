// A result handle as data (wire-format 7.6), and the record of a saved group (8.1).
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::wire {

/// `[[id, parent], children]`: what `AsyncResult.as_tuple()` gives.
///
///     result_tuple{"last", {result_tuple{"first"}}}.to_value();   // [["last", [["first", null], null]], null]
struct result_tuple {
  std::string id;                                     ///< of a task, or of a group when there are `children`
  std::vector<result_tuple> parent;                   ///< none or one
  std::optional<std::vector<result_tuple>> children;  ///< members of a group

  [[nodiscard]] value to_value() const;
  /// *On failure*: `decode`, where "children[0].parent" and the like.
  [[nodiscard]] static expected<result_tuple> from_value(value const& v);
  friend bool operator==(result_tuple const&, result_tuple const&) = default;
};

/// `{"result": <tuple>}`, kept under "celery-taskset-meta-<group id>".
[[nodiscard]] expected<std::string> encode_group(result_tuple const& group, std::string_view serializer = "json");
[[nodiscard]] expected<result_tuple> decode_group(std::string_view data, std::string_view serializer = "json");

}  // namespace lovage::wire
