// kombu's msgpack and lovage's own packing both give back what they took.
#include "fuzz.hpp"
#include "wire/serializer.hpp"

#include <lovage/unpack.hpp>

using namespace lovage;

namespace {

void check_wire(std::string_view input) {
  auto const v = wire::from_msgpack(input);
  if (!v) return;
  auto const data = wire::to_msgpack(*v);
  fuzz::demand(data.has_value(), "what was read can be written");
  auto const again = wire::from_msgpack(*data);
  fuzz::demand(again.has_value() && fuzz::same(*v, *again), "msgpack reads back");
}

void check_pack(std::string_view input) {
  try {
    unpacker in{input};
    auto const v = in.any();
    unpacker skipping{input};
    skipping.skip();
    fuzz::demand(skipping.offset() == in.offset(), "skip steps as far as any");
    auto const data = pack(v);
    unpacker second{data};
    fuzz::demand(fuzz::same(second.any(), v) && second.at_end(), "pack reads back");
  } catch (error const& e) {
    fuzz::demand(e.code() == errc::decode, "bad bytes are a decode error");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const input = fuzz::text(data, size);
  check_wire(input);
  check_pack(input);
  return 0;
}
