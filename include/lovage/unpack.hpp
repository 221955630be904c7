// Reading MessagePack, header-only: what `pack.hpp` writes, with the same extension types.
#pragma once

#include <lovage/pack.hpp>

#include <cstring>

namespace lovage {

/// What the next item of an `unpacker` is.
enum class pack_kind {
  nil,
  boolean,
  integer,
  unsigned_integer,
  real,
  text,
  binary,
  array,
  map,
  extension,
  end,
  invalid
};

/// Reads MessagePack from bytes that it does not own; a copy is a bookmark.
/// Bad bytes throw `error{errc::decode}` naming the offset; nothing is read past the end and nothing is allocated
/// on the word of a length field.
class unpacker {
 public:
  explicit unpacker(std::string_view data) noexcept : data_{data} {}

  [[nodiscard]] std::size_t offset() const noexcept { return at_; }
  [[nodiscard]] bool at_end() const noexcept { return at_ >= data_.size(); }
  [[nodiscard]] pack_kind peek() const noexcept;
  /// Name of the next item's kind for error texts.
  [[nodiscard]] char const* peek_name() const noexcept;

  void nil() { want(peek() == pack_kind::nil, "null"), ++at_; }
  bool boolean() {
    want(peek() == pack_kind::boolean, "bool");
    return byte() == 0xc3;
  }
  /// Requires `peek()` integer (fits int64).
  std::int64_t integer();
  /// Requires `peek()` integer or unsigned_integer; negative throws.
  std::uint64_t unsigned_integer();
  /// A float, or an integer turned into one.
  double real();
  std::string_view text();
  std::string_view binary();
  /// Number of items that follow.
  std::size_t array();
  /// Number of pairs that follow.
  std::size_t map();
  struct ext {
    std::int8_t type;
    std::string_view data;
  };
  ext extension();
  /// Steps over one item of any kind.
  void skip();
  /// The bytes of the next item, stepped over.
  std::string_view raw() {
    auto const from = at_;
    skip();
    return data_.substr(from, at_ - from);
  }
  value any() { return any(0); }

  /// Reads big-endian integers out of an extension's data.
  template <class U>
  static U load_be(std::string_view s) noexcept {
    U u = 0;
    for (std::size_t i = 0; i < sizeof(U); ++i) u = static_cast<U>(u << 8 | static_cast<std::uint8_t>(s[i]));
    return u;
  }

  [[noreturn]] void fail(std::string what) const {
    throw error{errc::decode, std::move(what), "byte " + std::to_string(at_)};
  }

 private:
  static constexpr int max_depth = 500;  // as deep as Python's default recursion limit lets its own codecs go

  void want(bool ok, char const* what) const {
    if (!ok) fail(std::string{"expected "} + what + ", got " + peek_name());
  }
  std::uint8_t head() const noexcept { return static_cast<std::uint8_t>(data_[at_]); }
  std::uint8_t byte() {
    if (at_end()) fail("data ends early");
    return static_cast<std::uint8_t>(data_[at_++]);
  }
  std::string_view take(std::size_t n) {
    if (n > data_.size() - at_) fail("data ends early");
    auto const s = data_.substr(at_, n);
    at_ += n;
    return s;
  }
  template <class U>
  U be() {
    return load_be<U>(take(sizeof(U)));
  }
  std::size_t count(std::size_t n, std::size_t least_bytes_each) const {
    if (n > (data_.size() - at_) / least_bytes_each) fail("length runs past the end of the data");
    return n;
  }
  value any(int depth);
  value any_extension();
  void skip(int depth);

  std::string_view data_;
  std::size_t at_ = 0;
};

inline pack_kind unpacker::peek() const noexcept {
  if (at_end()) return pack_kind::end;
  std::uint8_t const b = head();
  if (b < 0x80 || b >= 0xe0) return pack_kind::integer;
  if (b < 0x90) return pack_kind::map;
  if (b < 0xa0) return pack_kind::array;
  if (b < 0xc0) return pack_kind::text;
  switch (b) {
    case 0xc0: return pack_kind::nil;
    case 0xc2:
    case 0xc3: return pack_kind::boolean;
    case 0xc4:
    case 0xc5:
    case 0xc6: return pack_kind::binary;
    case 0xca:
    case 0xcb: return pack_kind::real;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3: return pack_kind::integer;
    case 0xcf:  // fits int64 when the top bit is clear
      return data_.size() - at_ > 1 && static_cast<std::uint8_t>(data_[at_ + 1]) >= 0x80 ? pack_kind::unsigned_integer
                                                                                         : pack_kind::integer;
    case 0xd9:
    case 0xda:
    case 0xdb: return pack_kind::text;
    case 0xdc:
    case 0xdd: return pack_kind::array;
    case 0xde:
    case 0xdf: return pack_kind::map;
    case 0xc7:
    case 0xc8:
    case 0xc9:
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8: return pack_kind::extension;
    default: return pack_kind::invalid;
  }
}

inline char const* unpacker::peek_name() const noexcept {
  switch (peek()) {
    case pack_kind::nil: return "null";
    case pack_kind::boolean: return "bool";
    case pack_kind::integer:
    case pack_kind::unsigned_integer: return "int";
    case pack_kind::real: return "float";
    case pack_kind::text: return "str";
    case pack_kind::binary: return "bytes";
    case pack_kind::array: return "list";
    case pack_kind::map: return "map";
    case pack_kind::extension: return "extension";
    case pack_kind::end: return "end of data";
    case pack_kind::invalid: return "an invalid byte";
  }
  return "?";
}

inline std::int64_t unpacker::integer() {
  want(peek() == pack_kind::integer, "int");
  std::uint8_t const b = byte();
  if (b < 0x80) return b;
  if (b >= 0xe0) return static_cast<std::int8_t>(b);
  switch (b) {
    case 0xcc: return be<std::uint8_t>();
    case 0xcd: return be<std::uint16_t>();
    case 0xce: return be<std::uint32_t>();
    case 0xcf: return static_cast<std::int64_t>(be<std::uint64_t>());
    case 0xd0: return static_cast<std::int8_t>(be<std::uint8_t>());
    case 0xd1: return static_cast<std::int16_t>(be<std::uint16_t>());
    case 0xd2: return static_cast<std::int32_t>(be<std::uint32_t>());
    default: return static_cast<std::int64_t>(be<std::uint64_t>());
  }
}

inline std::uint64_t unpacker::unsigned_integer() {
  if (peek() == pack_kind::unsigned_integer) {
    ++at_;
    return be<std::uint64_t>();
  }
  auto const i = integer();
  if (i < 0) fail("expected an unsigned int, got " + std::to_string(i));
  return static_cast<std::uint64_t>(i);
}

inline double unpacker::real() {
  switch (peek()) {
    case pack_kind::integer: return static_cast<double>(integer());
    case pack_kind::unsigned_integer: return static_cast<double>(unsigned_integer());
    default: break;
  }
  want(peek() == pack_kind::real, "float");
  if (byte() == 0xca) return std::bit_cast<float>(be<std::uint32_t>());
  return std::bit_cast<double>(be<std::uint64_t>());
}

inline std::string_view unpacker::text() {
  want(peek() == pack_kind::text, "str");
  std::uint8_t const b = byte();
  switch (b) {
    case 0xd9: return take(be<std::uint8_t>());
    case 0xda: return take(be<std::uint16_t>());
    case 0xdb: return take(be<std::uint32_t>());
    default: return take(b & 0x1f);
  }
}

inline std::string_view unpacker::binary() {
  want(peek() == pack_kind::binary, "bytes");
  switch (byte()) {
    case 0xc4: return take(be<std::uint8_t>());
    case 0xc5: return take(be<std::uint16_t>());
    default: return take(be<std::uint32_t>());
  }
}

inline std::size_t unpacker::array() {
  want(peek() == pack_kind::array, "list");
  std::uint8_t const b = byte();
  if (b == 0xdc) return count(be<std::uint16_t>(), 1);
  if (b == 0xdd) return count(be<std::uint32_t>(), 1);
  return count(b & 0x0f, 1);
}

inline std::size_t unpacker::map() {
  want(peek() == pack_kind::map, "map");
  std::uint8_t const b = byte();
  if (b == 0xde) return count(be<std::uint16_t>(), 2);
  if (b == 0xdf) return count(be<std::uint32_t>(), 2);
  return count(b & 0x0f, 2);
}

inline unpacker::ext unpacker::extension() {
  want(peek() == pack_kind::extension, "extension");
  std::size_t n = 0;
  switch (byte()) {
    case 0xc7: n = be<std::uint8_t>(); break;
    case 0xc8: n = be<std::uint16_t>(); break;
    case 0xc9: n = be<std::uint32_t>(); break;
    case 0xd4: n = 1; break;
    case 0xd5: n = 2; break;
    case 0xd6: n = 4; break;
    case 0xd7: n = 8; break;
    default: n = 16; break;
  }
  auto const type = static_cast<std::int8_t>(byte());
  return ext{type, take(n)};
}

inline void unpacker::skip() { skip(0); }

inline void unpacker::skip(int depth) {
  if (depth > max_depth) fail("nested deeper than " + std::to_string(max_depth) + " levels");
  switch (peek()) {
    case pack_kind::nil:
    case pack_kind::boolean: ++at_; return;
    case pack_kind::integer:
    case pack_kind::unsigned_integer:
    case pack_kind::real: (void)real(); return;
    case pack_kind::text: (void)text(); return;
    case pack_kind::binary: (void)binary(); return;
    case pack_kind::array:
      for (auto n = array(); n > 0; --n) skip(depth + 1);
      return;
    case pack_kind::map:
      for (auto n = map(); n > 0; --n) skip(depth + 1), skip(depth + 1);
      return;
    case pack_kind::extension: (void)extension(); return;
    case pack_kind::end: fail("data ends early");
    case pack_kind::invalid: fail("invalid byte");
  }
}

inline value unpacker::any(int depth) {
  if (depth > max_depth) fail("nested deeper than " + std::to_string(max_depth) + " levels");
  switch (peek()) {
    case pack_kind::nil: ++at_; return {};
    case pack_kind::boolean: return boolean();
    case pack_kind::integer: return integer();
    case pack_kind::unsigned_integer: return unsigned_integer();
    case pack_kind::real: return real();
    case pack_kind::text: return value{text()};
    case pack_kind::binary: return bytes{std::string{binary()}};
    case pack_kind::array: {
      value::list out;
      for (auto n = array(); n > 0; --n) out.push_back(any(depth + 1));
      return out;
    }
    case pack_kind::map: {
      value::map out;
      for (auto n = map(); n > 0; --n) {
        std::string key{text()};
        out.push_back({std::move(key), any(depth + 1)});
      }
      return out;
    }
    case pack_kind::extension: return any_extension();
    case pack_kind::end: fail("data ends early");
    case pack_kind::invalid: fail("invalid byte");
  }
  return {};
}

inline value unpacker::any_extension() {
  auto const start = *this;
  auto const e = extension();
  auto const n = e.data.size();
  switch (static_cast<pack_ext>(e.type)) {
    case pack_ext::big_integer: return lovage::big_integer{std::string{e.data}};
    case pack_ext::decimal: return lovage::decimal{std::string{e.data}};
    case pack_ext::uuid:
      if (n == 16) {
        uuid u;
        std::memcpy(u.octets.data(), e.data.data(), 16);
        return u;
      }
      break;
    case pack_ext::datetime:
      if (n == 12) {
        auto const offset = static_cast<std::int32_t>(load_be<std::uint32_t>(e.data.substr(8)));
        datetime d{static_cast<std::int64_t>(load_be<std::uint64_t>(e.data)), std::nullopt};
        if (offset != INT32_MIN) d.offset_s = offset;
        return d;
      }
      break;
    case pack_ext::date:
      if (n == 4) return date{static_cast<std::int32_t>(load_be<std::uint32_t>(e.data))};
      break;
    case pack_ext::time_of_day:
      if (n == 8) return time_of_day{static_cast<std::int64_t>(load_be<std::uint64_t>(e.data))};
      break;
  }
  start.fail("unknown extension type " + std::to_string(e.type) + " of " + std::to_string(n) + " bytes");
}

}  // namespace lovage
