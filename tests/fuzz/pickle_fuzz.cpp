// A pickle that was read is written and reads back the same; whatever it says, nothing is built.
#include "fuzz.hpp"
#include "wire/pickle.hpp"

using namespace lovage;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const input = fuzz::text(data, size);
  if (auto const group = wire::group_from_pickle(input)) {
    auto const written = wire::group_to_pickle(*group);
    if (written) fuzz::demand(wire::group_from_pickle(*written).value() == *group, "a group reads back");
  }
  (void)wire::exception_from_pickle(input);
  auto const v = wire::from_pickle(input);
  if (!v) {
    fuzz::demand(!v.error().detail.empty() && !v.error().where.empty(), "an error says what and where");
    return 0;
  }
  auto const written = wire::to_pickle(*v);
  if (!written) return 0;
  auto const again = wire::from_pickle(*written);
  fuzz::demand(again.has_value() && fuzz::same(*again, *v), "what was written reads back the same");
  return 0;
}
