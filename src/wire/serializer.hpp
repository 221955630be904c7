// Values to bytes and back, as kombu's serializers do it (wire-format 1.4), and compression (1.5).
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <string>
#include <string_view>

namespace lovage::wire {

struct json_options {
  bool typed = false;  ///< write {"__type__", "__value__"} for datetime, Decimal, UUID, bytes (kombu >= 5.3)
};

/// JSON as Python writes it: ASCII-escaped, ", " and ": ", NaN/Infinity bare, integers of any size.
/// Without `typed`, Python's scalars become text; bytes that are not UTF-8 are an `encode` error.
[[nodiscard]] expected<std::string> to_json(value const& v, json_options options = {});
/// Reads NaN, Infinity, integers of any size, and the typed objects of kombu >= 5.3 (an unknown `__type__` is a
/// `decode` error). With `keep_typed_maps` such objects stay maps.
[[nodiscard]] expected<value> from_json(std::string_view text, bool keep_typed_maps = false);

/// kombu's msgpack: no extension types, so Python's scalars become text.
[[nodiscard]] expected<std::string> to_msgpack(value const& v);
[[nodiscard]] expected<value> from_msgpack(std::string_view data);

/// Block style YAML, keys in the map's order.
[[nodiscard]] expected<std::string> to_yaml(value const& v);
/// Safe subset: no tags that build objects. Timestamps and !!binary become datetime/date and bytes.
[[nodiscard]] expected<value> from_yaml(std::string_view text);

/// A serializer by name or mime type. `content_type`/`content_encoding` as in the table of wire-format 1.4.
struct serializer {
  char const* name;
  char const* content_type;
  char const* content_encoding;
  expected<std::string> (*write)(value const&, bool typed_json);
  expected<value> (*read)(std::string_view);
};
/// nullptr when unknown (pickle is unknown, on purpose).
[[nodiscard]] serializer const* find_serializer(std::string_view name_or_mime) noexcept;

/// `method` is an alias or mime type of wire-format 1.5; the written header text is `compression_label(method)`.
/// `decompress` refuses output beyond `max_size` bytes (bombs).
[[nodiscard]] expected<std::string> compress(std::string_view method, std::string_view data);
[[nodiscard]] expected<std::string> decompress(std::string_view method, std::string_view data,
                                               std::size_t max_size = std::size_t{512} << 20);
/// "application/x-gzip" for "zlib", ...; empty when unknown.
[[nodiscard]] std::string_view compression_label(std::string_view method) noexcept;

}  // namespace lovage::wire
