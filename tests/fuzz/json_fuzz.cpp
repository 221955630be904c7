// What was read, written and read again is the same value; and so it is typed, where that can be written.
#include "fuzz.hpp"
#include "wire/serializer.hpp"
#include "wire/task_message.hpp"

using namespace lovage;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const input = fuzz::text(data, size);
  if (auto const v = wire::from_json(input, true)) {
    auto const text = wire::to_json(*v);
    fuzz::demand(text.has_value(), "what was read can be written");
    auto const again = wire::from_json(*text, true);
    fuzz::demand(again.has_value() && fuzz::same(*v, *again), "plain JSON reads back: " + *text);
    fuzz::demand(wire::repr(*v, 100).size() < 10'000, "repr keeps its limit");
  }
  if (auto const v = wire::from_json(input)) {
    auto const text = wire::to_json(*v, {.typed = true});
    if (!text) return 0;
    auto const again = wire::from_json(*text);
    fuzz::demand(again.has_value() && fuzz::same(*v, *again), "typed JSON reads back: " + *text);
  }
  return 0;
}
