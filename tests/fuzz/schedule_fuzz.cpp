// A schedule that was read is written and read again as the same, and its moments are in order.
#include "fuzz.hpp"

#include <lovage/schedule.hpp>

using namespace lovage;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const input = fuzz::text(data, size);
  auto const read = schedule::parse(input);
  if (!read) {
    fuzz::demand(!read.error().detail.empty(), "a refusal says why");
    return 0;
  }
  auto const text = read->text();
  auto const again = schedule::parse(text);
  fuzz::demand(again.has_value() && *again == *read, "a schedule reads back: " + text);
  fuzz::demand(!read->words().empty(), "a schedule has words: " + text);
  if (std::holds_alternative<solar>(read->kind())) return 0;  // the sun takes milliseconds

  auto const settled = read->settled(input, "America/New_York");
  fuzz::demand(settled.has_value() || text.find('H') != text.npos, "a schedule can be settled: " + text);
  if (!settled) return 0;  // H(29-31) in February
  time_point const now{std::chrono::seconds{1'774'000'000 + static_cast<std::int64_t>(size) * 7'654'321}};
  auto const next = settled->next(now);
  auto const previous = settled->previous(now);
  fuzz::demand(!next || *next > now, "the next moment is later: " + text);
  fuzz::demand(!previous || *previous < now, "the previous moment is earlier: " + text);
  if (previous) {
    auto const after = settled->next(*previous);
    fuzz::demand(after ? *after >= now : !next, "nothing lies between: " + text);
  }
  if (std::holds_alternative<crontab>(read->kind())) fuzz::demand(next.has_value(), "a crontab always comes: " + text);
  return 0;
}
