// Reading typed members out of values that came from outside, with errors that name the member.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::wire {

/// Keeps the first thing that does not fit and goes on; ask `ok()` at the end.
///
///     fields in{"headers", "header"};
///     in.integer("retries", v, message.retries);   // "header 'retries' is a list, expected an integer"
///     if (!in.ok()) return fail(in.take_error());
///
/// *Guarantee*: a member that does not fit leaves its target alone.
class fields {
 public:
  /// `part` begins `error_info::where` ("headers"), `noun` the text ("header"). Both must outlive the object.
  fields(std::string_view part, std::string_view noun) : part_{part}, noun_{noun} {}

  [[nodiscard]] bool ok() const noexcept { return error_.code == errc::ok; }
  [[nodiscard]] error_info take_error() { return std::move(error_); }

  /// Text, not null and not empty.
  void name(std::string_view key, value const& v, std::string& out);
  void text(std::string_view key, value const& v, std::string& out);
  /// Text, or null for none.
  void text(std::string_view key, value const& v, std::optional<std::string>& out);
  /// Integer or digits as text; null is 0.
  void integer(std::string_view key, value const& v, std::int64_t& out);
  /// Integer or digits as text, or null for none.
  void integer(std::string_view key, value const& v, std::optional<std::int64_t>& out);
  /// A finite number, or null for none.
  void number(std::string_view key, value const& v, std::optional<double>& out);
  /// Bool or integer; null is false.
  void boolean(std::string_view key, value const& v, bool& out);
  /// ISO text (or a datetime that the serializer recognised), or null for none.
  void time(std::string_view key, value const& v, std::optional<datetime>& out);
  /// Moves the list or map out of `v`.
  void list(std::string_view key, value& v, value::list& out);
  void map(std::string_view key, value& v, value::map& out);

  void missing(std::string_view key) { refuse(key, "is missing"); }
  /// "`noun` 'key' `what`", where "part.key".
  void refuse(std::string_view key, std::string_view what);
  /// "`noun` 'key' is a `kind`, expected `wanted`".
  void wrong_kind(std::string_view key, value const& v, std::string_view wanted);

 private:
  [[nodiscard]] bool read_integer(std::string_view key, value const& v, std::int64_t& out);

  std::string_view part_, noun_;
  error_info error_;
};

}  // namespace lovage::wire
