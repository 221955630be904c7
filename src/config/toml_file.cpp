// The one place that includes toml11, which is heavy to compile.
#include "config/toml_file.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>
#include <toml.hpp>
#include <tuple>
#include <utility>

namespace lovage::settings {
namespace {

constexpr std::size_t largest_text = std::size_t{256} << 10;
constexpr int deepest_table = 32;

struct position {
  std::size_t line = 1, column = 1;
};

failure bad(std::string const& file, position at, std::string detail) {
  return fail(errc::bad_config, std::move(detail),
              file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column));
}

// Octets of the character that starts `text`, 0 when it is not UTF-8 (overlong and surrogates included) or a control
// character that TOML does not allow.
std::size_t character(std::string_view text) noexcept {
  auto const at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto const more = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return at(i) >= low && at(i) <= high;
  };
  unsigned const c = at(0);
  if (c == '\t' || c == '\n') return 1;
  if (c == '\r') return at(1) == '\n' ? 1 : 0;
  if (c < 0x80) return c >= ' ' && c != 0x7F ? 1 : 0;
  if (c >= 0xC2 && c <= 0xDF) return more(1) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) return more(1, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF) && more(2) ? 3 : 0;
  if (c < 0xF0 || c > 0xF4) return 0;
  return more(1, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF) && more(2) && more(3) ? 4 : 0;
}

// toml11 reads past its buffer on some texts that are not UTF-8: such never reach it.
std::optional<position> not_text(std::string_view text) noexcept {
  position at;
  while (!text.empty()) {
    auto const length = character(text);
    if (length == 0) return at;
    at.column = text[0] == '\n' ? 1 : at.column + 1;
    at.line += text[0] == '\n' ? 1 : 0;
    text.remove_prefix(length);
  }
  return std::nullopt;
}

// toml11 descends once per bracket and once per part of a dotted key, so a hostile text could use up the stack.
// This walks over strings and comments and stops where brackets or dots are too many.
class nesting {
 public:
  explicit nesting(std::string_view text) : text_{text} {}

  std::optional<position> too_deep() {
    while (at_ < text_.size()) {
      char const c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') step();
        continue;
      }
      if (!count(c)) return here_;
      step();
    }
    return std::nullopt;
  }

 private:
  bool count(char c) {
    if (c == '[' || c == '{') ++open_;
    if ((c == ']' || c == '}') && open_ > 0) --open_;
    if (c == '\n' || c == ',' || c == '{') dots_ = 0;
    if (c == '.') ++dots_;
    return open_ <= deepest_table && dots_ <= deepest_table;
  }

  void step() {
    if (text_[at_] == '\n') {
      ++here_.line;
      here_.column = 0;
    }
    ++here_.column;
    ++at_;
  }

  void step(std::size_t n) {
    for (; n > 0 && at_ < text_.size(); --n) step();
  }

  // A one-line string ends at its line's end at the latest: the text is wrong then, and the parser will say so.
  void skip_string(char quote) {
    std::string const three(3, quote);
    bool const lines = text_.substr(at_).starts_with(three);
    step(lines ? 3 : 1);
    while (at_ < text_.size()) {
      if (quote == '"' && text_[at_] == '\\') {
        step(2);
      } else if (lines && text_.substr(at_).starts_with(three)) {
        return step(3);
      } else if (!lines && (text_[at_] == quote || text_[at_] == '\n')) {
        return step(1);
      } else {
        step(1);
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  position here_;
  int open_ = 0, dots_ = 0;
};

value to_value(toml::value const& v);

value to_map(std::vector<assignment> const& members) {
  value::map out;
  for (auto const& item : members) out.push_back({item.key, item.val});
  return value{std::move(out)};
}

// toml11 forgets the order of keys but knows where each value stands. A table made by a header such as [task] has the
// place of the header.
std::vector<assignment> in_order(toml::table const& table, std::string const& file) {
  // A place is counted from the text's start: ask for each once.
  std::vector<std::tuple<std::size_t, std::size_t, std::string_view, toml::value const*>> items;
  for (auto const& [key, v] : table) {
    auto const at = v.location();
    items.emplace_back(at.line(), at.column(), key, &v);
  }
  std::sort(items.begin(), items.end());
  std::vector<assignment> out;
  for (auto const& [line, column, key, v] : items) {
    assignment one{std::string{key}, {}, file + ":" + std::to_string(line), {}};
    if (v->is_table()) {
      one.members = in_order(v->as_table(std::nothrow), file);
      one.val = to_map(one.members);
    } else {
      one.val = to_value(*v);
    }
    out.push_back(std::move(one));
  }
  return out;
}

value to_value(toml::value const& v) {
  switch (v.type()) {
    case toml::value_t::boolean: return value{v.as_boolean(std::nothrow)};
    case toml::value_t::integer: return value{v.as_integer(std::nothrow)};
    case toml::value_t::floating: return value{v.as_floating(std::nothrow)};
    case toml::value_t::string: return value{v.as_string(std::nothrow).str};
    case toml::value_t::offset_datetime:
    case toml::value_t::local_datetime: return value{datetime{}};  // no setting takes one: only its kind is told
    case toml::value_t::local_date: return value{date{}};
    case toml::value_t::local_time: return value{time_of_day{}};
    case toml::value_t::table: return to_map(in_order(v.as_table(std::nothrow), {}));
    case toml::value_t::array: {
      value::list out;
      for (auto const& item : v.as_array(std::nothrow)) out.push_back(to_value(item));
      return value{std::move(out)};
    }
    default: return value{};
  }
}

// toml11 answers with a picture of several lines; its first says what is wrong.
std::string first_line(std::string text) {
  text = text.substr(0, text.find('\n'));
  if (auto const at = text.find("[error] "); at != text.npos) text = text.substr(at + 8);
  if (text.starts_with("toml::")) {
    if (auto const at = text.find(": "); at != text.npos) text = text.substr(at + 2);
  }
  return text.empty() ? "this is no TOML" : text;
}

// The line that the picture points at: "\n 12 | key = [". The place that the exception carries is the table's.
position pointed_at(std::string const& picture, position otherwise) {
  auto const bar = picture.find(" | ");
  auto const start = picture.rfind('\n', bar);
  if (bar == picture.npos || start == picture.npos) return otherwise;
  position at{0, 1};
  for (auto i = start + 1; i < bar; ++i) {
    if (picture[i] >= '0' && picture[i] <= '9') at.line = at.line * 10 + static_cast<std::size_t>(picture[i] - '0');
  }
  auto const below = picture.find('\n', bar);
  if (at.line == 0 || below == picture.npos) return otherwise;
  auto const mark = picture.find_first_of("^~", below);
  auto const second_bar = picture.find('|', below);
  if (mark != picture.npos && second_bar != picture.npos && mark > second_bar + 1) at.column = mark - second_bar - 1;
  return at;
}

}  // namespace

expected<std::vector<assignment>> read_toml(std::string_view text, std::string const& file) {
  if (text.size() > largest_text) return bad(file, {}, "a configuration file is at most 256 KiB long");
  if (auto const at = not_text(text)) {
    return bad(file, *at, "a character that TOML does not allow: the file is to be UTF-8 without control characters");
  }
  if (auto const at = nesting{text}.too_deep()) return bad(file, *at, "brackets or dotted keys are nested too deep");
  try {
    std::istringstream in{std::string{text} + "\n"};
    auto const root = toml::parse(in, file);
    if (!root.is_table()) return std::vector<assignment>{};
    return in_order(root.as_table(std::nothrow), file);
  } catch (toml::exception const& e) {
    auto const at = e.location();
    return bad(file, pointed_at(e.what(), {at.line(), at.column()}), "syntax error: " + first_line(e.what()));
  } catch (std::exception const& e) {
    return bad(file, {}, "syntax error: " + first_line(e.what()));
  }
}

}  // namespace lovage::settings
