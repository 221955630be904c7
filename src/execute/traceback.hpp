// What stands in a record's `traceback` where Python has the lines of its stack.
#pragma once

#include "execute/request.hpp"

#include <string>
#include <vector>

namespace lovage::execute {

/// An exception by its C++ class, as thrown.
struct thrown {
  std::string type, message;
};

/// Innermost cause first, as Python prints them; the last line is "type: message" of what was thrown:
///
///     Task shop.fetch[6f1c...] on celery@box (queue celery, retry 2):
///     std::system_error: Connection refused
///
///     led to
///
///     shop::unreachable: cannot fetch https://example.org
[[nodiscard]] std::string traceback_of(request const& r, policy const& with, thrown const& last,
                                       std::vector<thrown> const& causes = {});

}  // namespace lovage::execute
