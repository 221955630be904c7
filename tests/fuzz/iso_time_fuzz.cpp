// A time that was read is written and read again as the same time, and lies in the years of Python.
#include "fuzz.hpp"
#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"

#include <cstring>

using namespace lovage;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const input = fuzz::text(data, size);
  if (auto const d = wire::parse_iso(input)) {
    fuzz::demand(wire::check_range(*d).has_value(), "a time that was read is in range");
    auto const again = wire::parse_iso(wire::to_iso(*d));
    fuzz::demand(again.has_value() && *again == *d, "a time reads back: " + wire::to_iso(*d));
  }
  if (auto const t = wire::parse_iso_time(input)) {
    auto const again = wire::parse_iso_time(wire::to_iso(*t));
    fuzz::demand(again.has_value() && *again == *t, "a time of day reads back: " + wire::to_iso(*t));
  }
  // And the other way: any numbers in range.
  if (size < 12) return 0;
  datetime d;
  std::int32_t offset = 0;
  std::memcpy(&d.local_us, data, 8);
  std::memcpy(&offset, data + 8, 4);
  if (size % 2 == 0) d.offset_s = offset;
  auto const text = wire::to_iso(d);
  if (!wire::check_range(d)) return 0;
  auto const back = wire::parse_iso(text);
  fuzz::demand(back.has_value() && *back == d, "a written time reads back: " + text);
  return 0;
}
