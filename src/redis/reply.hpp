// What is said to a Redis server, and what it answers.
#pragma once

#include <lovage/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::redis {

/// One answer. An error is a value here: a pipeline goes on behind it.
struct reply {
  enum class kind { nil, text, status, integer, error, array };
  kind type = kind::nil;
  std::string text;  ///< of text, status and error
  std::int64_t integer = 0;
  std::vector<reply> items;

  [[nodiscard]] bool is_nil() const noexcept { return type == kind::nil; }
  [[nodiscard]] bool is_error() const noexcept { return type == kind::error; }
  [[nodiscard]] bool is_text() const noexcept { return type == kind::text || type == kind::status; }
};

/// What an error says, its word in front, without the place in a script where it happened.
[[nodiscard]] std::string_view complaint(reply const& r);

/// `unavailable` for LOADING, READONLY, MASTERDOWN, BUSY, too many clients and the like, `no_space` for OOM,
/// `bad_config` for refused credentials, else `internal`.
[[nodiscard]] error_info to_error(reply const& r, std::string where = {});

/// Commands in the server's own form, to be sent together.
///
///     commands c;
///     c.add({"SET", key, "1"});
///
/// *Guarantee*: arguments may hold any bytes.
class commands {
 public:
  commands() = default;
  /// One command.
  static commands of(std::initializer_list<std::string_view> words) {
    commands c;
    c.add(words);
    return c;
  }
  void add(std::initializer_list<std::string_view> words);
  void add(std::vector<std::string_view> const& words);
  /// For commands of many words: `begin(n)`, then n times `word`.
  void begin(std::size_t words);
  void word(std::string_view text);

  void reserve(std::size_t bytes) { bytes_.reserve(bytes); }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::string const& bytes() const noexcept { return bytes_; }
  void clear() noexcept { bytes_.clear(), count_ = 0; }

 private:
  std::string bytes_;
  std::size_t count_ = 0;
};

}  // namespace lovage::redis
