// Python's pickles as far as they hold plain data: what Celery's SQL result backend keeps (wire-format 7.8).
#pragma once

#include "wire/result_tuple.hpp"

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <string>
#include <string_view>

namespace lovage::wire {

/// Protocol 4, which every Python 3 reads. Python's scalars (datetime, Decimal, UUID, ...) are written as such.
/// *On failure*: `encode` for text that is no UTF-8, years outside 1 to 9999 and integers of more than 48,000 digits.
[[nodiscard]] expected<std::string> to_pickle(value const& v);

/// Reads plain data of protocols 0 to 5: None, numbers, texts, bytes, lists, tuples, sets, dicts, and datetime, date,
/// time, Decimal, UUID, OrderedDict, defaultdict. No class is imported and nothing is called: an object of any other
/// class is `not_supported`, named. Keys that are no text become it as in JSON. *On failure*: `decode` too.
[[nodiscard]] expected<value> from_pickle(std::string_view data);

/// The same of a result that is an exception: an exception object gives its map (wire-format 7.4): class, module and
/// what it was made with; an argument that is an object itself, its text.
[[nodiscard]] expected<value> exception_from_pickle(std::string_view data);

/// A saved group, as Python reads it.
[[nodiscard]] expected<std::string> group_to_pickle(result_tuple const& group);
/// Reads that, and the GroupResult objects that Python writes: their ids.
[[nodiscard]] expected<result_tuple> group_from_pickle(std::string_view data);

}  // namespace lovage::wire
