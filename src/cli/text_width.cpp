#include "cli/text_width.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace lovage::cli {
namespace {

struct span_of_points {
  std::uint32_t first, last;
};

// East Asian Wide and Fullwidth of Unicode's annex 11, and what emoji have; in order.
constexpr std::array wide_points{
    span_of_points{0x1100, 0x115F},   span_of_points{0x231A, 0x231B},   span_of_points{0x23E9, 0x23EC},
    span_of_points{0x25FD, 0x25FE},   span_of_points{0x2614, 0x2615},   span_of_points{0x2648, 0x2653},
    span_of_points{0x26A1, 0x26A1},   span_of_points{0x2705, 0x2705},   span_of_points{0x274C, 0x274C},
    span_of_points{0x2753, 0x2755},   span_of_points{0x2757, 0x2757},   span_of_points{0x2B50, 0x2B50},
    span_of_points{0x2E80, 0x303E},   span_of_points{0x3041, 0x3247},   span_of_points{0x3250, 0x4DBF},
    span_of_points{0x4E00, 0xA4C6},   span_of_points{0xA960, 0xA97C},   span_of_points{0xAC00, 0xD7A3},
    span_of_points{0xF900, 0xFAFF},   span_of_points{0xFE10, 0xFE19},   span_of_points{0xFE30, 0xFE6B},
    span_of_points{0xFF01, 0xFF60},   span_of_points{0xFFE0, 0xFFE6},   span_of_points{0x16FE0, 0x18CFF},
    span_of_points{0x1B000, 0x1B2FF}, span_of_points{0x1F004, 0x1F004}, span_of_points{0x1F0CF, 0x1F0CF},
    span_of_points{0x1F18E, 0x1F18E}, span_of_points{0x1F191, 0x1F19A}, span_of_points{0x1F200, 0x1F320},
    span_of_points{0x1F32D, 0x1F64F}, span_of_points{0x1F680, 0x1F6FC}, span_of_points{0x1F7E0, 0x1F7EB},
    span_of_points{0x1F90C, 0x1FAFF}, span_of_points{0x20000, 0x3FFFD}};
// What stands on the character before it, or is not seen.
constexpr std::array empty_points{
    span_of_points{0x0300, 0x036F}, span_of_points{0x0483, 0x0489}, span_of_points{0x0591, 0x05BD},
    span_of_points{0x0610, 0x061A}, span_of_points{0x064B, 0x065F}, span_of_points{0x0E31, 0x0E31},
    span_of_points{0x0E34, 0x0E3A}, span_of_points{0x0E47, 0x0E4E}, span_of_points{0x1AB0, 0x1AFF},
    span_of_points{0x1DC0, 0x1DFF}, span_of_points{0x200B, 0x200D}, span_of_points{0x20D0, 0x20F0},
    span_of_points{0x302A, 0x302F}, span_of_points{0x3099, 0x309A}, span_of_points{0xFE00, 0xFE0F},
    span_of_points{0xFE20, 0xFE2F}, span_of_points{0xFEFF, 0xFEFF}, span_of_points{0xE0100, 0xE01EF}};
// Controls, and marks that turn the direction of what follows.
constexpr std::array steering_points{span_of_points{0x0000, 0x001F}, span_of_points{0x007F, 0x009F},
                                     span_of_points{0x061C, 0x061C}, span_of_points{0x200E, 0x200F},
                                     span_of_points{0x2028, 0x202E}, span_of_points{0x2060, 0x206F},
                                     span_of_points{0xFFF9, 0xFFFB}, span_of_points{0xE0000, 0xE007F}};

template <class Spans>
bool is_among(Spans const& spans, std::uint32_t point) {
  auto const at = std::lower_bound(spans.begin(), spans.end(), point,
                                   [](span_of_points const& s, std::uint32_t p) { return s.last < p; });
  return at != spans.end() && at->first <= point;
}

constexpr std::uint32_t no_point = 0xFFFFFFFF;

struct character {
  std::uint32_t point = no_point;  ///< of one byte that is no UTF-8: no_point
  std::size_t bytes = 1;
};

character next_of(std::string_view text) {
  auto const first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return {first, 1};
  std::size_t const bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < bytes) return {};
  std::uint32_t point = first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    auto const c = static_cast<unsigned char>(text[i]);
    if ((c & 0xC0) != 0x80) return {};
    point = point << 6 | (c & 0x3FU);
  }
  return {point, bytes};
}

std::size_t columns_of(character const& c) {
  if (c.point == no_point || c.point < 0x300) return 1;
  if (is_among(empty_points, c.point)) return 0;
  return is_among(wide_points, c.point) ? 2 : 1;
}

}  // namespace

std::size_t text_width(std::string_view text) {
  std::size_t out = 0;
  while (!text.empty()) {
    auto const c = next_of(text);
    out += columns_of(c);
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string fitted(std::string_view text, std::size_t width, char align) {
  std::string out;
  std::size_t used = 0, keep = 0, keep_columns = 0;  // where "…" would still fit behind
  while (!text.empty()) {
    auto const c = next_of(text);
    auto piece = text.substr(0, c.bytes);
    if (piece == "\n" || piece == "\t" || piece == "\r")
      piece = " ";
    else if (c.point == no_point || is_among(steering_points, c.point))
      piece = "?";
    auto const columns = piece.size() == 1 ? 1 : columns_of(c);
    if (used + columns > width) {
      out.resize(keep);
      out += width > 0 ? "…" : "";
      used = keep_columns + (width > 0 ? 1 : 0);
      break;
    }
    out += piece;
    used += columns;
    if (used < width) keep = out.size(), keep_columns = used;
    text.remove_prefix(c.bytes);
  }
  std::string const gap(width - used, ' ');
  return align == 'r' ? gap + out : out + gap;
}

}  // namespace lovage::cli
