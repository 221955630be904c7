// A signature that was read is written as it was; taking containers apart never fails in another way than by value.
#include "fuzz.hpp"
#include "wire/serializer.hpp"
#include "wire/signature.hpp"

using namespace lovage;

namespace {

void take_apart(wire::signature const& s, int depth) {
  if (depth > 20) return;
  if (auto const tasks = wire::members(s))
    for (auto const& task : *tasks) take_apart(task, depth + 1);
  if (auto const chord = wire::split_chord(s)) {
    take_apart(chord->body, depth + 1);
    auto const again = wire::split_chord(wire::make_chord(chord->header, chord->body));
    fuzz::demand(again && again->header.size() == chord->header.size(), "a chord is put together");
  }
  if (auto const map = wire::split_map(s)) take_apart(map->task, depth + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const v = wire::from_json(fuzz::text(data, size), true);
  if (!v) return 0;
  auto s = wire::signature::from_value(*v);
  if (!s) {
    fuzz::demand(s.error().where.starts_with("signature"), "an error says where");
    return 0;
  }
  auto const written = s->to_value();
  auto const again = wire::signature::from_value(written);
  fuzz::demand(again && fuzz::same(again->to_value(), written), "a signature reads back");
  take_apart(*s, 0);
  auto const before = s->args.size();
  s->apply_partial({1, 2}, {{"x", 1}});
  fuzz::demand(s->args.size() == before + (s->immutable ? 0 : 2), "partial arguments go in front");
  return 0;
}
