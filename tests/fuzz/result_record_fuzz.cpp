// A record or group that was read is written and reads back the same.
#include "fuzz.hpp"
#include "wire/result_record.hpp"
#include "wire/result_tuple.hpp"

using namespace lovage;

namespace {

void check_record(std::string_view input, char const* serializer) {
  auto const r = wire::decode_record(input, serializer);
  if (!r) {
    fuzz::demand(!r.error().where.empty() && !r.error().detail.empty(), "an error says what and where");
    return;
  }
  if (auto const exception = wire::exception_info::from_value(r->result)) {
    auto const again = wire::exception_info::from_value(exception->to_value());
    fuzz::demand(again && again->type == exception->type && again->module == exception->module, "exception reads back");
    (void)exception->text();
  }
  auto const text = wire::encode_record(*r, serializer);
  if (!text) return;
  auto const again = wire::decode_record(*text, serializer);
  fuzz::demand(again.has_value(), "what was written can be read: " + *text);
  auto const twice = wire::encode_record(*again, serializer);
  fuzz::demand(twice.has_value() && *twice == *text, "writing is stable: " + *text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  auto const input = fuzz::text(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: check_record(input, "json"); break;
    case 1: check_record(input, "msgpack"); break;
    default:
      if (auto const group = wire::decode_group(input))
        fuzz::demand(wire::decode_group(wire::encode_group(*group).value()).value() == *group, "group reads back");
  }
  return 0;
}
