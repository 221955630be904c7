// Reading JSON the way Python's json module does.
//
// A reader of our own, after a try with RapidJSON: that refuses integers beyond 308 digits and 1e400 even when it is
// told to hand numbers over as text, takes "Inf" and stops at a zero byte, and makes broken UTF-8 of a lone "\udc00".
//
// Lone surrogates ("\ud800") are legal in Python's strings, and turn up in file names. They are kept in their
// three-byte form (WTF-8) and written back as the same escape; the other serializers refuse them. The same bytes
// unescaped are an error here as they are in Python.
#include "core/ascii.hpp"
#include "wire/json_typed.hpp"
#include "wire/limits.hpp"
#include "wire/scalar_text.hpp"
#include "wire/serializer.hpp"
#include "wire/utf8.hpp"

#include <array>
#include <limits>

namespace lovage::wire {

namespace {

/// Bytes that a string's plain run cannot hold: quote, backslash, control characters, and whatever is not ASCII.
constexpr auto ends_run = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 256; ++c) table[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
  return table;
}();

class json_reader {
 public:
  json_reader(std::string_view text, bool keep_typed) noexcept
      : begin_{text.data()}, at_{begin_}, end_{begin_ + text.size()}, keep_typed_{keep_typed} {}

  bool document(value& out) {
    skip_space();
    if (!read(out, 0)) return false;
    skip_space();
    return at_ == end_ || stop("unexpected text after the value");
  }
  failure error() const {
    return fail(errc::decode, "JSON: " + problem_, "byte " + std::to_string(problem_at_ - begin_));
  }

 private:
  bool read(value& out, int depth);
  bool read_list(value& out, int depth);
  bool read_map(value& out, int depth);
  bool read_member(value::map& out, int depth);
  bool read_string(std::string& out);
  bool read_escape(std::string& out);
  bool read_hex(std::uint32_t& out);
  bool read_number(value& out);
  bool read_word(std::string_view word, value v, value& out);
  bool finish_map(value& out, char const* from);

  void skip_space() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char c) noexcept {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool digit_ahead() const noexcept { return at_ != end_ && is_digit(*at_); }
  std::string_view rest() const noexcept { return {at_, static_cast<std::size_t>(end_ - at_)}; }
  bool stop(std::string what) { return stop_at(at_, std::move(what)); }
  bool stop_at(char const* where, std::string what) {
    problem_ = std::move(what);
    problem_at_ = where;
    return false;
  }

  char const* begin_;
  char const* at_;
  char const* end_;
  bool keep_typed_;
  std::string problem_;
  char const* problem_at_ = nullptr;
};

bool json_reader::read(value& out, int depth) {
  if (at_ == end_) return stop("the text ends where a value should stand");
  switch (*at_) {
    case '{': return read_map(out, depth);
    case '[': return read_list(out, depth);
    case '"': ++at_; return read_string(out.emplace<std::string>());
    case 'n': return read_word("null", value{}, out);
    case 't': return read_word("true", true, out);
    case 'f': return read_word("false", false, out);
    case 'N': return read_word("NaN", std::numeric_limits<double>::quiet_NaN(), out);
    case 'I': return read_word("Infinity", std::numeric_limits<double>::infinity(), out);
    case '-':
      if (rest().starts_with("-I")) return read_word("-Infinity", -std::numeric_limits<double>::infinity(), out);
      return read_number(out);
    default: return is_digit(*at_) ? read_number(out) : stop("expected a value");
  }
}

bool json_reader::read_word(std::string_view word, value v, value& out) {
  if (!rest().starts_with(word)) return stop("expected a value");
  at_ += word.size();
  out = std::move(v);
  return true;
}

bool json_reader::read_list(value& out, int depth) {
  if (depth == max_nesting) return stop(nested_too_deep());
  ++at_;
  auto& list = out.emplace<value::list>();
  skip_space();
  if (take(']')) return true;
  list.reserve(4);
  for (;;) {
    if (!read(list.emplace_back(), depth + 1)) return false;
    skip_space();
    if (take(']')) return true;
    if (!take(',')) return stop("expected ',' or ']' in a list");
    skip_space();
  }
}

bool json_reader::read_map(value& out, int depth) {
  if (depth == max_nesting) return stop(nested_too_deep());
  auto const from = at_++;
  auto& map = out.emplace<value::map>();
  skip_space();
  if (take('}')) return true;
  map.reserve(4);
  for (;;) {
    if (!read_member(map, depth)) return false;
    skip_space();
    if (take('}')) return finish_map(out, from);
    if (!take(',')) return stop("expected ',' or '}' in a map");
    skip_space();
  }
}

bool json_reader::read_member(value::map& out, int depth) {
  if (!take('"')) return stop("expected a key in double quotes");
  auto& member = out.emplace_back();
  if (!read_string(member.key)) return false;
  skip_space();
  if (!take(':')) return stop("expected ':' after a key");
  skip_space();
  return read(member.val, depth + 1);
}

bool json_reader::finish_map(value& out, char const* from) {
  auto& map = *out.get_if<value::map>();
  keep_last_of_equal_keys(map);
  if (keep_typed_ || !is_typed_object(map)) return true;
  auto typed = read_typed_object(map);
  if (!typed) return stop_at(from, typed.error().text());
  out = std::move(*typed);
  return true;
}

/// After the opening quote.
bool json_reader::read_string(std::string& out) {
  auto const open = at_ - 1;
  for (;;) {
    auto const run = at_;
    while (at_ != end_ && !ends_run[static_cast<std::uint8_t>(*at_)]) ++at_;
    out.append(run, at_);
    if (at_ == end_) return stop_at(open, "a string without closing quote");
    if (*at_ == '"') {
      ++at_;
      return true;
    }
    if (*at_ == '\\') {
      if (!read_escape(out)) return false;
    } else if (static_cast<std::uint8_t>(*at_) < 0x20) {
      return stop("a control character inside a string");
    } else {
      auto const c = first_code_point(rest());
      if (c.size == 0) return stop("a string that is not UTF-8");
      out.append(at_, c.size);
      at_ += c.size;
    }
  }
}

/// At a backslash.
bool json_reader::read_escape(std::string& out) {
  auto const from = at_++;
  if (at_ == end_) return stop_at(from, "a string without closing quote");
  switch (*at_++) {
    case '"': out += '"'; return true;
    case '\\': out += '\\'; return true;
    case '/': out += '/'; return true;
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'u': break;
    default: return stop_at(from, "unknown escape in a string");
  }
  std::uint32_t c = 0;
  if (!read_hex(c)) return stop_at(from, "\\u needs four hexadecimal digits");
  if (c >= 0xd800 && c < 0xdc00 && rest().starts_with("\\u")) {
    auto const second = at_;
    std::uint32_t low = 0;
    at_ += 2;
    if (read_hex(low) && low >= 0xdc00 && low < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
    } else {
      at_ = second;  // no pair: the first stands alone
    }
  }
  append_utf8(out, c);
  return true;
}

bool json_reader::read_hex(std::uint32_t& out) {
  if (end_ - at_ < 4) return false;
  for (int i = 0; i < 4; ++i) {
    char const c = *at_++;
    char const lower = static_cast<char>(c | 0x20);
    if (is_digit(c)) {
      out = out << 4 | static_cast<std::uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      out = out << 4 | static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

bool json_reader::read_number(value& out) {
  auto const from = at_;
  (void)take('-');
  if (!digit_ahead()) return stop_at(from, "expected a value");
  if (!take('0'))
    while (digit_ahead()) ++at_;
  bool real = false;
  auto const fraction = at_;
  if (take('.')) {
    if (!digit_ahead()) return stop_at(fraction, "a number needs digits after its point");
    while (digit_ahead()) ++at_;
    real = true;
  }
  auto const exponent = at_;
  if (take('e') || take('E')) {
    if (!take('-')) (void)take('+');
    if (!digit_ahead()) return stop_at(exponent, "a number needs digits in its exponent");
    while (digit_ahead()) ++at_;
    real = true;
  }
  std::string_view const text{from, static_cast<std::size_t>(at_ - from)};
  out = real ? value{real_from_text(text)} : integer_from_text(text);
  return true;
}

}  // namespace

expected<value> from_json(std::string_view text, bool keep_typed_maps) {
  json_reader reader{text, keep_typed_maps};
  value out;
  if (!reader.document(out)) return reader.error();
  return out;
}

}  // namespace lovage::wire
