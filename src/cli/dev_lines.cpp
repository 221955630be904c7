#include "cli/dev_lines.hpp"

#include <array>
#include <utility>

namespace lovage::cli {
namespace {

constexpr std::size_t name_width = 6, longest_line = 100'000;

struct tone {
  std::string_view mark, color;
};
// As compilers and lovage's log write them.
constexpr std::array tones{tone{": CRITICAL/", "31;1"},   tone{": ERROR/", "31"},   tone{": error: ", "31"},
                           tone{": fatal error: ", "31"}, tone{": WARNING/", "33"}, tone{": warning: ", "33"}};

std::string_view tone_of(std::string_view text) {
  auto const head = text.substr(0, 400);
  for (auto const& t : tones)
    if (head.find(t.mark) != head.npos) return t.color;
  return {};
}

std::string painted(std::string_view text, std::string_view color) {
  if (color.empty()) return std::string{text};
  return "\x1b[" + std::string{color} + "m" + std::string{text} + "\x1b[0m";
}

}  // namespace

std::string named_lines::line(std::string_view text) const {
  if (text.ends_with('\r')) text.remove_suffix(1);
  auto head = name_;
  head.resize(std::max(head.size(), name_width), ' ');
  if (color_ == 0) return head + " | " + std::string{text} + "\n";
  return painted(head + " |", std::to_string(color_)) + " " + painted(text, tone_of(text)) + "\n";
}

std::string named_lines::add(std::string_view bytes) {
  open_ += bytes;
  std::string out;
  std::size_t at = 0;
  for (auto end = open_.find('\n'); end != open_.npos; end = open_.find('\n', at)) {
    out += line(std::string_view{open_}.substr(at, end - at));
    at = end + 1;
  }
  open_.erase(0, at);
  return open_.size() > longest_line ? out + rest() : out;
}

std::string named_lines::rest() {
  auto const left = std::exchange(open_, {});
  return left.empty() ? left : line(left);
}

}  // namespace lovage::cli
