// Which failures are alike.
#pragma once

#include <string>
#include <string_view>

namespace lovage::monitor {

/// "ValueError('no such user 17')" as type and message.
struct failure_parts {
  std::string type, message;
};
[[nodiscard]] failure_parts parts_of_exception(std::string_view exception);

/// The message without what differs from one failure to the next: numbers, quoted parts, UUIDs, addresses and other
/// hexadecimal, each replaced by a word in angle brackets; one line, at most 300 octets.
[[nodiscard]] std::string alike_text(std::string_view message);

/// 16 hexadecimal digits of task, type and `alike_text`.
[[nodiscard]] std::string error_group_of(std::string_view task, std::string_view type, std::string_view alike);

}  // namespace lovage::monitor
