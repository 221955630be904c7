// MessagePack, header-only: the bytes that cross the plug-in boundary and the pipes to pool children. `unpack.hpp`
// reads them.
//
// Format: https://github.com/msgpack/msgpack/blob/master/spec.md. Extension types, lovage's own:
//   1 big_integer (text)   2 decimal (text)   3 uuid (16 octets)
//   4 datetime (int64 local microseconds, int32 offset seconds or INT32_MIN when naive; big endian)
//   5 date (int32 days)    6 time_of_day (int64 microseconds)
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <bit>
#include <climits>
#include <cstdint>
#include <string>
#include <string_view>

namespace lovage {

/// Extension codes of the table above.
enum class pack_ext : std::int8_t { big_integer = 1, decimal = 2, uuid = 3, datetime = 4, date = 5, time_of_day = 6 };

/// Appends MessagePack to a string. Cannot fail but for memory.
///
///     packer p;  p.array(2);  p.integer(2);  p.text("x");   // p.out() == "\x92\x02\xa1x"
class packer {
 public:
  void nil() { put(0xc0); }
  void boolean(bool b) { put(b ? 0xc3 : 0xc2); }
  void integer(std::int64_t i) {
    if (i >= 0) return unsigned_integer(static_cast<std::uint64_t>(i));
    if (i >= -32) return put(static_cast<std::uint8_t>(i));
    if (i >= INT8_MIN) return put_be(0xd0, static_cast<std::uint8_t>(i));
    if (i >= INT16_MIN) return put_be(0xd1, static_cast<std::uint16_t>(i));
    if (i >= INT32_MIN) return put_be(0xd2, static_cast<std::uint32_t>(i));
    put_be(0xd3, static_cast<std::uint64_t>(i));
  }
  void unsigned_integer(std::uint64_t u) {
    if (u < 0x80) return put(static_cast<std::uint8_t>(u));
    if (u <= UINT8_MAX) return put_be(0xcc, static_cast<std::uint8_t>(u));
    if (u <= UINT16_MAX) return put_be(0xcd, static_cast<std::uint16_t>(u));
    if (u <= UINT32_MAX) return put_be(0xce, static_cast<std::uint32_t>(u));
    put_be(0xcf, u);
  }
  void real(double d) { put_be(0xcb, std::bit_cast<std::uint64_t>(d)); }
  void text(std::string_view s) {
    if (s.size() < 32) {
      put(static_cast<std::uint8_t>(0xa0 | s.size()));
    } else {
      length(s.size(), 0xd9, 0xda, 0xdb);
    }
    out_.append(s);
  }
  void binary(std::string_view s) {
    length(s.size(), 0xc4, 0xc5, 0xc6);
    out_.append(s);
  }
  /// Followed by `n` items.
  void array(std::size_t n) {
    if (n < 16) return put(static_cast<std::uint8_t>(0x90 | n));
    length(n, 0, 0xdc, 0xdd);
  }
  /// Followed by `n` pairs of key and value.
  void map(std::size_t n) {
    if (n < 16) return put(static_cast<std::uint8_t>(0x80 | n));
    length(n, 0, 0xde, 0xdf);
  }
  void extension(pack_ext type, std::string_view data) {
    switch (data.size()) {
      case 1: put(0xd4); break;
      case 2: put(0xd5); break;
      case 4: put(0xd6); break;
      case 8: put(0xd7); break;
      case 16: put(0xd8); break;
      default: length(data.size(), 0xc7, 0xc8, 0xc9);
    }
    put(static_cast<std::uint8_t>(type));
    out_.append(data);
  }
  void when(datetime const& d) {
    std::string data;
    append_be(data, static_cast<std::uint64_t>(d.local_us));
    append_be(data, static_cast<std::uint32_t>(d.offset_s.value_or(INT32_MIN)));
    extension(pack_ext::datetime, data);
  }
  void id(uuid const& u) {
    extension(pack_ext::uuid, {reinterpret_cast<char const*>(u.octets.data()), u.octets.size()});
  }
  void day(date d) {
    std::string data;
    append_be(data, static_cast<std::uint32_t>(d.days));
    extension(pack_ext::date, data);
  }
  void clock(time_of_day t) {
    std::string data;
    append_be(data, static_cast<std::uint64_t>(t.us));
    extension(pack_ext::time_of_day, data);
  }
  /// Any value, containers included.
  void any(value const& v);
  /// Bytes that are MessagePack already.
  void raw(std::string_view packed) { out_.append(packed); }

  [[nodiscard]] std::string const& out() const& noexcept { return out_; }
  [[nodiscard]] std::string&& out() && noexcept { return std::move(out_); }

 private:
  template <class U>
  static void append_be(std::string& out, U u) {
    for (int shift = static_cast<int>(sizeof(U)) * 8 - 8; shift >= 0; shift -= 8)
      out += static_cast<char>(static_cast<std::uint8_t>(u >> shift));
  }
  void put(std::uint8_t b) { out_ += static_cast<char>(b); }
  template <class U>
  void put_be(std::uint8_t tag, U u) {
    put(tag);
    append_be(out_, u);
  }
  void length(std::size_t n, std::uint8_t tag8, std::uint8_t tag16, std::uint8_t tag32) {
    if (tag8 != 0 && n <= UINT8_MAX) return put_be(tag8, static_cast<std::uint8_t>(n));
    if (n <= UINT16_MAX) return put_be(tag16, static_cast<std::uint16_t>(n));
    if (n > UINT32_MAX) throw error{errc::encode, "more than 4 GiB in one string, list or map"};
    put_be(tag32, static_cast<std::uint32_t>(n));
  }
  std::string out_;
};

inline void packer::any(value const& v) {
  struct visitor {
    packer& p;
    void operator()(std::monostate) { p.nil(); }
    void operator()(bool b) { p.boolean(b); }
    void operator()(std::int64_t i) { p.integer(i); }
    void operator()(std::uint64_t u) { p.unsigned_integer(u); }
    void operator()(double d) { p.real(d); }
    void operator()(std::string const& s) { p.text(s); }
    void operator()(bytes const& b) { p.binary(b.data); }
    void operator()(value::list const& l) {
      p.array(l.size());
      for (auto const& item : l) p.any(item);
    }
    void operator()(value::map const& m) {
      p.map(m.size());
      for (auto const& item : m) {
        p.text(item.key);
        p.any(item.val);
      }
    }
    void operator()(lovage::big_integer const& b) { p.extension(pack_ext::big_integer, b.text); }
    void operator()(lovage::decimal const& d) { p.extension(pack_ext::decimal, d.text); }
    void operator()(uuid const& u) { p.id(u); }
    void operator()(datetime const& d) { p.when(d); }
    void operator()(date const& d) { p.day(d); }
    void operator()(time_of_day const& t) { p.clock(t); }
  };
  v.visit(visitor{*this});
}

/// One value as MessagePack.
[[nodiscard]] inline std::string pack(value const& v) {
  packer p;
  p.any(v);
  return std::move(p).out();
}

}  // namespace lovage
