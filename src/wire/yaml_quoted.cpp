#include "wire/yaml_quoted.hpp"

#include "wire/utf8.hpp"

#include <algorithm>
#include <charconv>

namespace lovage::wire {

namespace {

/// The rules are those of PyYAML's scan_flow_scalar.
class quoted_reader {
 public:
  quoted_reader(std::string_view source, std::string_view parsed) : rest_{source}, parsed_{parsed} {}

  expected<std::optional<std::string>> read() {
    if (!skip_properties()) return fail(errc::decode, "a tag without a blank behind it");
    if (!rest_.starts_with('"') && !rest_.starts_with('\'')) return std::optional<std::string>{};
    quote_ = rest_.front();
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      if (rest_.front() == quote_) {
        rest_.remove_prefix(1);
        if (quote_ == '"' || !rest_.starts_with('\'')) return own_text();
        put(1);
      } else if (is_blank(rest_.front()) || line_break_size() != 0) {
        spaces();
      } else if (rest_.front() == '\\' && quote_ == '"') {
        rest_.remove_prefix(1);
        if (!escape()) return fail(errc::decode, "unknown escape in a quoted scalar");
      } else {
        put(1);
      }
    }
    return fail(errc::decode, "a quoted scalar without closing quote");
  }

 private:
  static constexpr std::string_view tag_characters =
      "!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-#;/?:@&=+$_.~*'()%";

  static constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

  /// yaml-cpp makes an empty text of a quoted scalar only when line breaks are all it holds: behind any other, empty
  /// means that this node is, and that the scalar belongs to the next.
  std::optional<std::string> own_text() {
    if (parsed_.empty() && (escaped_ || out_.find_first_not_of('\n') != std::string::npos)) return std::nullopt;
    return std::move(out_);
  }
  void put(std::size_t n) {
    out_.append(rest_.substr(0, n));
    rest_.remove_prefix(n);
  }
  /// Steps over tags, anchors, comments and the space between them. Each ends where it ends for yaml-cpp, or the two
  /// would look at different scalars: a lone '\r' breaks no line here. False at a tag that runs into something else,
  /// which yaml-cpp lets pass and PyYAML does not.
  bool skip_properties() {
    while (!rest_.empty()) {
      if (at_space()) {
        rest_.remove_prefix(1);
      } else if (rest_.front() == '#') {
        skip_to(rest_.find('\n'));
      } else if (rest_.front() == '!') {
        skip_to(rest_.starts_with("!<") ? rest_.find('>') : rest_.find_first_not_of(tag_characters));
        if (rest_.starts_with('>')) rest_.remove_prefix(1);
        if (!rest_.empty() && !at_space()) return false;
      } else if (rest_.front() == '&') {
        skip_to(rest_.find_first_of(" \t\n[]{},"));
      } else {
        break;
      }
    }
    return true;
  }
  bool at_space() const noexcept {
    return is_blank(rest_.front()) || rest_.front() == '\n' || rest_.starts_with("\r\n");
  }
  void skip_to(std::size_t n) { rest_.remove_prefix(std::min(n, rest_.size())); }
  /// Bytes of the line break ahead; 0 when there is none.
  std::size_t line_break_size() const noexcept {
    if (rest_.starts_with("\r\n")) return 2;
    if (rest_.starts_with('\n') || rest_.starts_with('\r')) return 1;
    if (rest_.starts_with("\xc2\x85")) return 2;
    return rest_.starts_with("\xe2\x80\xa8") || rest_.starts_with("\xe2\x80\xa9") ? 3 : 0;
  }
  /// The line break ahead, as it is kept.
  std::string_view take_break() {
    auto const n = line_break_size();
    auto const kept = n == 3 ? rest_.substr(0, 3) : std::string_view{"\n"};
    rest_.remove_prefix(n);
    return kept;
  }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  std::string more_breaks() {
    std::string breaks;
    for (skip_blanks(); line_break_size() != 0; skip_blanks()) breaks += take_break();
    return breaks;
  }
  /// Blanks stay inside a line; around a line break they go, and a single break becomes a blank.
  void spaces() {
    auto const blanks = rest_.substr(0, std::min(rest_.find_first_not_of(" \t"), rest_.size()));
    rest_.remove_prefix(blanks.size());
    if (line_break_size() == 0) {
      out_ += blanks;
      return;
    }
    auto const first = take_break();
    auto const others = more_breaks();
    if (first != "\n") {
      out_ += first;
    } else if (others.empty()) {
      out_ += ' ';
    }
    out_ += others;
  }
  bool escape() {
    if (line_break_size() != 0) {
      (void)take_break();
      out_ += more_breaks();
      return true;
    }
    if (rest_.empty()) return false;
    escaped_ = true;
    static constexpr std::string_view names = "0abt\tnvfre \"\\/N_LP";
    static constexpr char16_t values[] = {0,  7,   8,   9,    9,   10,   11,   12,     13,
                                          27, ' ', '"', '\\', '/', 0x85, 0xa0, 0x2028, 0x2029};
    char const c = rest_.front();
    rest_.remove_prefix(1);
    if (auto const at = names.find(c); at != std::string_view::npos) return append_utf8(out_, values[at]), true;
    return c == 'x' ? hex(2) : c == 'u' ? hex(4) : c == 'U' && hex(8);
  }
  bool hex(std::size_t digits) {
    if (rest_.size() < digits) return false;
    std::uint32_t c = 0;
    auto const end = rest_.data() + digits;
    if (std::from_chars(rest_.data(), end, c, 16).ptr != end) return false;
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return false;
    rest_.remove_prefix(digits);
    append_utf8(out_, c);
    return true;
  }

  std::string_view rest_;
  std::string_view parsed_;
  std::string out_;
  bool escaped_ = false;
  char quote_ = '"';
};

}  // namespace

expected<std::optional<std::string>> read_quoted(std::string_view source, std::string_view parsed) {
  return quoted_reader{source, parsed}.read();
}

}  // namespace lovage::wire
