#include "backend/record_codec.hpp"

#include <algorithm>

namespace lovage::backend {
namespace {

// A record is a map with at least one key: as msgpack it begins with fixmap (not the empty one, which is how a pickle
// begins), map 16 or map 32; as JSON with a brace; our peers' YAML is in block style and begins with a key.
std::string_view form_of(std::string_view bytes) {
  auto const first = bytes.empty() ? 0U : static_cast<unsigned char>(bytes.front());
  if (first == '{') return "json";
  if (first == 0x80) return "pickle";
  if ((first > 0x80 && first <= 0x8f) || first == 0xde || first == 0xdf) return "msgpack";
  return "yaml";
}

expected<wire::serializer const*> find(std::string_view name, char const* setting) {
  if (auto const* s = wire::find_serializer(name)) return s;
  if (name == "pickle")
    return fail(errc::bad_config,
                "pickle is refused on purpose: reading a pickle runs code that its sender chose; use json, msgpack or "
                "yaml on both sides",
                setting);
  return fail(errc::bad_config, "'" + std::string{name} + "' is not known (json, msgpack, yaml)", setting);
}

}  // namespace

expected<record_codec> record_codec::make(settings const& with) {
  record_codec out;
  auto const writes = find(with.serializer, "result_serializer");
  if (!writes) return fail(writes.error());
  out.writes_ = *writes;
  out.reads_.push_back(*writes);
  for (auto const& name : with.accept_content) {
    auto const reads = find(name, "accept_content");
    if (!reads) return fail(reads.error());
    out.reads_.push_back(*reads);
  }
  return out;
}

expected<std::string> record_codec::write(wire::result_record const& r) const {
  return wire::encode_record(r, writes_->name);
}

expected<wire::result_record> record_codec::read_as(std::string_view content_type, std::string_view bytes) const {
  auto const* form = wire::find_serializer(content_type);
  if (form == nullptr)
    return fail(errc::not_supported,
                "the result is of the form '" + std::string{content_type} +
                    "', which is not read; set result_serializer to json, msgpack or yaml where it is written");
  if (std::find(reads_.begin(), reads_.end(), form) == reads_.end())
    return fail(errc::not_accepted,
                std::string{"the result is written as "} + form->name + "; add '" + form->name + "' to accept_content");
  return wire::decode_record(bytes, form->name);
}

expected<wire::result_record> record_codec::read(std::string_view bytes, std::string_view id) const {
  auto out = read_as(form_of(bytes), bytes);
  if (!out) {
    auto why = out.error();
    return fail(why.code, "the stored result cannot be read: " + why.text(), "task " + std::string{id});
  }
  out->id = task_id{std::string{id}};
  return out;
}

}  // namespace lovage::backend
