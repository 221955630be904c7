// Standard output.
#pragma once

#include <lovage/value.hpp>

#include <string>
#include <string_view>

namespace lovage::cli {

/// To standard output. Throws `error` when it cannot be written (disk full).
void print(std::string_view text);
/// A value as one line of JSON; what plain JSON cannot hold (bytes) is written in kombu's typed form.
[[nodiscard]] std::string json_line(value const& v);
/// What came from others, fit for a terminal: control characters but line end and tab as "\x1b", cut after 2,000 bytes.
[[nodiscard]] std::string printable(std::string_view text);
/// "2026-11-23T12:00:00+00:00": whole seconds, UTC.
[[nodiscard]] std::string moment_text(time_point at);

}  // namespace lovage::cli
