// Values as JSON text, as Celery writes and reads it.
#pragma once

#include <lovage/value.hpp>

#include <string>
#include <string_view>

namespace lovage {

/// Types that JSON lacks (bytes, dates, decimals) become kombu's maps of `__type__` and `__value__`.
/// *On failure*: throws `error{encode}`. *Threads*: any.
///
///     std::string kept = lovage::to_json(flow.to_value());
///     auto again = lovage::canvas<int()>{lovage::from_json(kept)};
[[nodiscard]] std::string to_json(value const& v);
/// *On failure*: throws `error{decode}`, which names the place.
[[nodiscard]] value from_json(std::string_view text);

}  // namespace lovage
