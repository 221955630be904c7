#include "cli/print.hpp"

#include "wire/result_record.hpp"
#include "wire/serializer.hpp"

#include <cstdio>

namespace lovage::cli {

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw error{errc::unavailable, "cannot write to standard output"};
}

std::string json_line(value const& v) {
  auto plain = wire::to_json(v);
  if (!plain) plain = wire::to_json(v, {.typed = true});
  return std::move(plain).value() + "\n";
}

std::string moment_text(time_point at) {
  return wire::to_iso(time_point{std::chrono::floor<std::chrono::seconds>(at)});
}

}  // namespace lovage::cli
