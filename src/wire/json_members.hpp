// Members of a JSON object, written without making values first: for what is made for every task.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lovage::wire {

/// `"uuid": "6f1c", "runtime": 0.25`, as to_json writes it. Text that is not UTF-8 becomes "?". Keys are plain ASCII.
class json_members {
 public:
  /// Adds them to `out`; the first one without a comma where `out` is empty or ends with an opening brace.
  explicit json_members(std::string& out) : out_{out} {}

  void text(std::string_view key, std::string_view v);
  void integer(std::string_view key, std::int64_t v);
  void real(std::string_view key, double v);
  void flag(std::string_view key, bool v) { raw(key, v ? "true" : "false"); }
  void null(std::string_view key) { raw(key, "null"); }
  /// Members written before.
  void add(std::string_view members);

 private:
  void raw(std::string_view key, std::string_view v);
  void comma();
  void begin(std::string_view key);
  std::string& out_;
};

/// Needs no escape.
[[nodiscard]] constexpr bool is_plain_json(char c) noexcept { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }
[[nodiscard]] bool is_plain_json(std::string_view text) noexcept;
/// Quotes included; false, and nothing added, for text that is not UTF-8.
[[nodiscard]] bool append_json_text(std::string& out, std::string_view text);

}  // namespace lovage::wire
