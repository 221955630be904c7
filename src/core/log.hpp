// The log front: everything in lovage writes here; the program decides where lines go.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace lovage::log {

enum class level { debug, info, warning, error, critical };

/// A named piece of a line, for machines: {"task_id", "..."}.
struct field {
  std::string_view key;
  std::string val;
};

using sink = std::function<void(level, std::string_view text, std::initializer_list<field> fields)>;

/// Replaces where lines go and the least level that gets there. Until called, warnings and worse go to stderr.
/// *Threads*: call before threads that log are started. An empty sink silences everything.
void set_sink(sink where, level least);

/// False when a line of this level would be dropped: ask before building an expensive text.
[[nodiscard]] bool enabled(level l) noexcept;

/// *Threads*: any. Never throws.
void write(level l, std::string_view text, std::initializer_list<field> fields = {}) noexcept;

inline void debug(std::string_view text, std::initializer_list<field> fields = {}) {
  write(level::debug, text, fields);
}
inline void info(std::string_view text, std::initializer_list<field> fields = {}) { write(level::info, text, fields); }
inline void warning(std::string_view text, std::initializer_list<field> fields = {}) {
  write(level::warning, text, fields);
}
inline void error(std::string_view text, std::initializer_list<field> fields = {}) {
  write(level::error, text, fields);
}
inline void critical(std::string_view text, std::initializer_list<field> fields = {}) {
  write(level::critical, text, fields);
}

}  // namespace lovage::log
