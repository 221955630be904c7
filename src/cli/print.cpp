#include "cli/print.hpp"

#include "wire/result_record.hpp"
#include "wire/serializer.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace lovage::cli {
namespace {

constexpr std::size_t shown_text = 2000;

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw error{errc::unavailable, "cannot write to standard output"};
}

std::string json_line(value const& v) {
  auto plain = wire::to_json(v);
  if (!plain) plain = wire::to_json(v, {.typed = true});
  return std::move(plain).value() + "\n";
}

// Control characters would let a message write to the terminal as it likes.
std::string printable(std::string_view text) {
  std::string out;
  for (char const c : text.substr(0, shown_text)) {
    auto const u = static_cast<unsigned char>(c);
    out += (u < 0x20 && c != '\n' && c != '\t') || u == 0x7f ? fmt::format("\\x{:02x}", u) : std::string(1, c);
  }
  if (text.size() > shown_text) out += "...";
  return out;
}

std::string moment_text(time_point at) {
  return wire::to_iso(time_point{std::chrono::floor<std::chrono::seconds>(at)});
}

}  // namespace lovage::cli
