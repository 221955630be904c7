// The octets of a pickle, and the scalars that its opcodes spell in them.
#pragma once

#include <lovage/error.hpp>
#include <lovage/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace lovage::wire::pickled {

/// Thrown while a pickle is read, and never further.
struct pickle_fault {
  errc code;
  std::string detail;
};

[[noreturn]] inline void broken(std::string detail) { throw pickle_fault{errc::decode, std::move(detail)}; }

/// The octets of a pickle from front to back.
class octet_source {
 public:
  explicit octet_source(std::string_view from) : all_{from}, left_{from} {}
  [[nodiscard]] std::size_t position() const noexcept { return all_.size() - left_.size(); }

  std::string_view take(std::uint64_t n) {
    if (n > left_.size()) broken("it ends early");
    auto const out = left_.substr(0, n);
    left_.remove_prefix(n);
    return out;
  }
  unsigned char octet() { return static_cast<unsigned char>(take(1).front()); }
  /// Of `n` octets, least first.
  std::uint64_t number(int n) {
    std::uint64_t out = 0;
    for (int i = 0; i < n; ++i) out |= std::uint64_t{octet()} << i * 8;
    return out;
  }
  /// What follows a length of `n` octets.
  std::string_view counted(int n) { return take(number(n)); }
  std::string_view line() {
    auto const end = left_.find('\n');
    if (end == left_.npos) broken("it ends early");
    auto const out = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    return out;
  }

 private:
  std::string_view all_, left_;
};

/// A text in UTF-8; Python's lone surrogates are let through.
[[nodiscard]] value text_value(std::string_view text);
/// Python 2 wrote its texts without saying in which encoding.
[[nodiscard]] value text_or_bytes(std::string_view data);
/// Latin-1 with \uXXXX and \UXXXXXXXX.
[[nodiscard]] value raw_unicode(std::string_view line);
/// A literal of Python 2, in quotes.
[[nodiscard]] value quoted_text(std::string_view line);
[[nodiscard]] value integer_line(std::string_view line);
[[nodiscard]] value long_value(std::string_view octets);
[[nodiscard]] value real_line(std::string_view line);
[[nodiscard]] value real_octets(octet_source& in);
[[nodiscard]] std::uint64_t memo_line(std::string_view line);

}  // namespace lovage::wire::pickled
