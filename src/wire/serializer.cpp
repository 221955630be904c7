#include "wire/serializer.hpp"

#include <array>

namespace lovage::wire {

namespace {

expected<std::string> write_json(value const& v, bool typed) { return to_json(v, {typed}); }
expected<value> read_json(std::string_view text) { return from_json(text); }
expected<std::string> write_msgpack(value const& v, bool) { return to_msgpack(v); }
expected<std::string> write_yaml(value const& v, bool) { return to_yaml(v); }

constexpr std::array serializers{
    serializer{"json", "application/json", "utf-8", write_json, read_json},
    serializer{"msgpack", "application/x-msgpack", "binary", write_msgpack, from_msgpack},
    serializer{"yaml", "application/x-yaml", "utf-8", write_yaml, from_yaml},
};

}  // namespace

serializer const* find_serializer(std::string_view name_or_mime) noexcept {
  for (auto const& s : serializers)
    if (name_or_mime == s.name || name_or_mime == s.content_type) return &s;
  return nullptr;
}

}  // namespace lovage::wire
