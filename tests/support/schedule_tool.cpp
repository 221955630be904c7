// Schedules as a filter, for tests that set another implementation beside them.
//
//     schedule_tool      lines "microseconds schedule" -> the moment after, in microseconds since 1970, or "never"
//
// Errors are written as a line that begins with "error: ".
#include <lovage/schedule.hpp>

#include <charconv>
#include <iostream>
#include <string>

using namespace lovage;

namespace {

std::string answer(std::string_view line) {
  std::int64_t after = 0;
  auto const [end, bad] = std::from_chars(line.data(), line.data() + line.size(), after);
  if (bad != std::errc{}) return "error: no number";
  auto const read = schedule::parse(line.substr(static_cast<std::size_t>(end - line.data())));
  if (!read) return "error: " + read.error().text();
  auto const next = read->next(time_point{std::chrono::microseconds{after}});
  return next ? std::to_string(next->time_since_epoch().count()) : "never";
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << '\n';
}
