// An envelope that was read is written and reads back the same.
#include "fuzz.hpp"
#include "wire/kombu_envelope.hpp"

using namespace lovage;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const m = wire::from_kombu_json(fuzz::text(data, size));
  if (!m) {
    fuzz::demand(!m.error().where.empty() && !m.error().detail.empty(), "an error says what and where");
    return 0;
  }
  auto const text = wire::to_kombu_json(m->message, m->delivery);
  if (!text) return 0;  // a header that plain JSON has no form for
  auto again = wire::from_kombu_json(*text);
  fuzz::demand(again.has_value(), "what was written can be read: " + *text);
  fuzz::demand(again->delivery == m->delivery, "the delivery reads back: " + *text);
  fuzz::demand(again->message.body == m->message.body, "the body reads back: " + *text);
  fuzz::demand(again->message.content_type == m->message.content_type, "the content type reads back: " + *text);
  auto const twice = wire::to_kombu_json(again->message, again->delivery);
  fuzz::demand(twice.has_value() && *twice == *text, "writing is stable: " + *text);
  return 0;
}
