// What was read, written and read again is the same value.
#include "fuzz.hpp"
#include "wire/serializer.hpp"

using namespace lovage;

namespace {

/// With every text of the input as a key and an item: quoting must hold for any text.
void check_text(std::string_view input) {
  value const v{value::map{{std::string{input}, value::list{input, value::map{{std::string{input}, input}}}}}};
  auto const text = wire::to_yaml(v);
  if (!text) return;
  auto const again = wire::from_yaml(*text);
  fuzz::demand(again.has_value() && fuzz::same(v, *again), "any text reads back: " + *text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const input = fuzz::text(data, size);
  check_text(input);
  auto const v = wire::from_yaml(input);
  if (!v) return 0;
  auto const text = wire::to_yaml(*v);
  fuzz::demand(text.has_value(), "what was read can be written");
  auto const again = wire::from_yaml(*text);
  fuzz::demand(again.has_value() && fuzz::same(*v, *again), "YAML reads back: " + *text);
  return 0;
}
