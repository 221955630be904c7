// Events, control requests and replies that were read are written and read back the same.
#include "fuzz.hpp"
#include "wire/control.hpp"
#include "wire/event.hpp"
#include "wire/serializer.hpp"

using namespace lovage;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const v = wire::from_json(fuzz::text(data, size), true);
  if (!v) return 0;
  if (auto const batch = wire::to_events(*v)) {
    for (auto const& e : batch->events) {
      auto const again = wire::event::from_value(e.to_value());
      fuzz::demand(again && fuzz::same(again->to_value(), e.to_value()), "an event reads back");
    }
    for (auto const& error : batch->refused) fuzz::demand(!error.where.empty(), "an error says where");
  }
  if (auto const r = wire::control_request::from(*v)) {
    auto const again = wire::control_request::from(r->body(), r->headers());
    fuzz::demand(again && fuzz::same(again->body(), r->body()), "a request reads back");
  }
  if (auto const r = wire::control_reply::from(*v)) {
    auto const again = wire::control_reply::from(r->body(), r->headers());
    fuzz::demand(again && fuzz::same(again->body(), r->body()), "a reply reads back");
  }
  return 0;
}
