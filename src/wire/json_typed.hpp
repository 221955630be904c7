// kombu's way since 5.3 to put Python's scalars into JSON: {"__type__": "uuid", "__value__": {"hex": "..."}}.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

namespace lovage::wire {

/// Whether kombu takes this map for a typed object: exactly the keys `__type__` and `__value__`.
[[nodiscard]] bool is_typed_object(value::map const& m) noexcept;

/// What such a map stands for. *On failure*: `decode`, naming the type.
[[nodiscard]] expected<value> read_typed_object(value::map const& m);

}  // namespace lovage::wire
