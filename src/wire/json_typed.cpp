#include "wire/json_typed.hpp"

#include "wire/base64.hpp"
#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"

namespace lovage::wire {

namespace {

template <class T>
expected<value> widen(expected<T> read) {
  if (!read) return fail(read.error());
  return value{std::move(*read)};
}

expected<value> read_uuid(value const& v) {
  auto const* hex = v.is<value::map>() ? v.find("hex") : &v;
  auto const* text = hex ? hex->get_if<std::string>() : nullptr;
  auto const id = text ? uuid::parse(*text) : std::nullopt;
  if (!id) return fail(errc::decode, "a typed uuid needs a \"hex\" of 32 hexadecimal digits");
  return value{*id};
}

expected<value> read_base64(std::string const& text) {
  auto data = from_base64(text);
  if (!data) return fail(errc::decode, "a typed base64 value is not base64");
  return value{bytes{std::move(*data)}};
}

}  // namespace

bool is_typed_object(value::map const& m) noexcept {
  return m.size() == 2 && find(m, "__type__") != nullptr && find(m, "__value__") != nullptr;
}

expected<value> read_typed_object(value::map const& m) {
  auto const* type = find(m, "__type__")->get_if<std::string>();
  if (type == nullptr) return fail(errc::decode, "a typed object's \"__type__\" is no text");
  auto const& content = *find(m, "__value__");
  if (*type == "uuid") return read_uuid(content);
  auto const* text = content.get_if<std::string>();
  bool const known = *type == "datetime" || *type == "date" || *type == "time" || *type == "decimal" ||
                     *type == "bytes" || *type == "base64";
  if (!known) return fail(errc::decode, "unknown \"__type__\": \"" + *type + '"');
  if (text == nullptr) return fail(errc::decode, "a typed " + *type + " needs text, got " + content.kind());
  if (*type == "datetime") return widen(parse_iso(*text));
  if (*type == "date") return widen(parse_iso_date(*text));
  if (*type == "time") return widen(parse_iso_time(*text));
  if (*type == "base64") return read_base64(*text);
  if (*type == "bytes") return value{bytes{*text}};
  return value{decimal{*text}};
}

}  // namespace lovage::wire
