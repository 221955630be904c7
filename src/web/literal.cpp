#include "web/literal.hpp"

#include <charconv>
#include <cstdint>
#include <string>

namespace lovage::web {
namespace {

class literal_reader {
 public:
  explicit literal_reader(std::string_view text) : rest_{text} {}

  std::optional<value> whole() {
    auto out = any(0);
    blanks();
    return rest_.empty() ? out : std::nullopt;
  }

 private:
  static constexpr int deepest = 100;

  void blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n')) rest_.remove_prefix(1);
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<value> any(int depth) {
    blanks();
    if (rest_.empty() || depth > deepest || rest_.starts_with("...")) return std::nullopt;
    if (take("None")) return value{};
    if (take("True")) return value{true};
    if (take("False")) return value{false};
    if (take("[")) return items(']', depth);
    if (take("(")) return items(')', depth);
    if (take("{")) return members(depth);
    if (take("b'") || take("b\"")) return octets(*(rest_.data() - 1));
    if (rest_.front() == '\'' || rest_.front() == '"') return text();
    return number();
  }

  std::optional<value> items(char end, int depth) {
    value::list out;
    for (;;) {
      blanks();
      if (take({&end, 1})) return value{std::move(out)};
      auto one = any(depth + 1);
      if (!one) return std::nullopt;
      out.push_back(*std::move(one));
      blanks();
      if (!take(",") && !rest_.starts_with(end)) return std::nullopt;
    }
  }

  std::optional<value> members(int depth) {
    value::map out;
    for (;;) {
      blanks();
      if (take("}")) return value{std::move(out)};
      auto const key = any(depth + 1);
      auto const* name = key ? key->get_if<std::string>() : nullptr;
      blanks();
      if (!name || !take(":")) return std::nullopt;
      auto one = any(depth + 1);
      if (!one) return std::nullopt;
      out.push_back({*name, *std::move(one)});
      blanks();
      if (!take(",") && !rest_.starts_with('}')) return std::nullopt;
    }
  }

  std::optional<value> text() {
    char const quote = rest_.front();
    rest_.remove_prefix(1);
    auto out = quoted(quote);
    return out ? std::optional{value{*std::move(out)}} : std::nullopt;
  }
  std::optional<value> octets(char quote) {
    raw_ = true;
    auto out = quoted(quote);
    raw_ = false;
    return out ? std::optional{value{bytes{*std::move(out)}}} : std::nullopt;
  }

  std::optional<std::string> quoted(char quote) {
    std::string out;
    while (!rest_.empty()) {
      char const c = rest_.front();
      rest_.remove_prefix(1);
      if (c == quote) return out;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    char const c = rest_.front();
    rest_.remove_prefix(1);
    switch (c) {
      case 'n': out += '\n'; return true;
      case 't': out += '\t'; return true;
      case 'r': out += '\r'; return true;
      case 'x': return code_point(out, 2);
      case 'u': return code_point(out, 4);
      case 'U': return code_point(out, 8);
      case '\\':
      case '\'':
      case '"': out += c; return true;
      default: return false;
    }
  }

  bool code_point(std::string& out, std::size_t digits) {
    std::uint32_t n = 0;
    if (rest_.size() < digits) return false;
    auto const* const begin = rest_.data();
    auto const [end, failed] = std::from_chars(begin, begin + digits, n, 16);
    if (failed != std::errc{} || end != begin + digits || n > 0x10ffff || (n >= 0xd800 && n < 0xe000)) return false;
    rest_.remove_prefix(digits);
    raw_ ? void(out += static_cast<char>(n)) : append_utf8(out, n);
    return true;
  }

  static void append_utf8(std::string& out, std::uint32_t n) {
    if (n < 0x80) {
      out += static_cast<char>(n);
      return;
    }
    int const more = n < 0x800 ? 1 : n < 0x10000 ? 2 : 3;
    static constexpr unsigned heads[] = {0, 0xc0, 0xe0, 0xf0};
    out += static_cast<char>(heads[more] | n >> (6 * more));
    for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((n >> (6 * i)) & 0x3f));
  }

  std::optional<value> number() {
    auto const end = rest_.find_first_not_of("+-0123456789.eEinfa");
    auto word = rest_.substr(0, end);
    std::int64_t n = 0;
    auto const [stop, failed] = std::from_chars(word.data(), word.data() + word.size(), n);
    if (failed == std::errc{} && stop == word.data() + word.size()) {
      rest_.remove_prefix(word.size());
      return value{n};
    }
    double d = 0;
    auto const [last, bad] = std::from_chars(word.data(), word.data() + word.size(), d);
    bool const digits = word.find_first_of("0123456789") != std::string_view::npos;
    bool const integer = word.find_first_of(".eE") == std::string_view::npos;  // beyond 64 bits
    if (bad != std::errc{} || last != word.data() + word.size() || !digits || integer) return std::nullopt;
    rest_.remove_prefix(word.size());
    return value{d};
  }

  std::string_view rest_;
  bool raw_ = false;
};

}  // namespace

std::optional<value> read_literal(std::string_view text) { return literal_reader{text}.whole(); }

}  // namespace lovage::web
