// Where the program's log lines go and how they look.
#pragma once

#include "core/log.hpp"

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

namespace lovage::cli {

struct log_options {
  log::level least = log::level::warning;
  std::string file;   ///< empty: standard error
  bool json = false;  ///< one object per line instead of Celery's look
  bool color = false;
};

/// Sends the log to spdlog. Starts no thread. A file is appended to by whole lines, so several processes can share it,
/// and opened anew when it was moved away. Throws `error` when it cannot be opened.
void set_up_log(log_options const& options);

/// For commands that answer and end: "lovage: text" on standard error, warnings and worse (`quiet`: errors).
void set_up_plain_log(bool quiet);

/// debug, info, warning, error, critical (also warn and fatal) in any case; throws `usage_error`.
[[nodiscard]] log::level level_of(std::string_view name);

using log_fields = std::initializer_list<log::field>;

/// "[2026-11-23 12:00:00,123: INFO/MainProcess] text", local time.
[[nodiscard]] std::string text_line(std::chrono::system_clock::time_point at, log::level l, std::string_view process,
                                    std::string_view text);
/// {"time": ..., "level": ..., "process": ..., "message": ..., and the fields}; `runtime` is a number.
[[nodiscard]] std::string json_log_line(std::chrono::system_clock::time_point at, log::level l,
                                        std::string_view process, std::string_view text, log_fields fields);

}  // namespace lovage::cli
