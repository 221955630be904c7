// kombu's msgpack: plain MessagePack without extension types.
#include "wire/limits.hpp"
#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"
#include "wire/serializer.hpp"
#include "wire/utf8.hpp"

#include <lovage/unpack.hpp>

namespace lovage::wire {

namespace {

class msgpack_writer {
 public:
  expected<std::string> document(value const& v) {
    if (!write(v)) return fail(errc::encode, std::move(problem_));
    return std::move(out_).out();
  }

  bool operator()(std::monostate) { return out_.nil(), true; }
  bool operator()(bool b) { return out_.boolean(b), true; }
  bool operator()(std::int64_t i) { return out_.integer(i), true; }
  bool operator()(std::uint64_t u) { return out_.unsigned_integer(u), true; }
  bool operator()(double d) { return out_.real(d), true; }
  bool operator()(std::string const& s) { return text(s); }
  bool operator()(bytes const& b) { return fits(b.data.size()) && (out_.binary(b.data), true); }
  bool operator()(value::list const& l);
  bool operator()(value::map const& m);
  bool operator()(big_integer const& b) {
    return stop("an integer outside 64 bits (" + b.text.substr(0, 40) + ") has no form; use the serializer json");
  }
  bool operator()(decimal const& d) { return text(d.text); }
  bool operator()(uuid const& u) { return text(u.str()); }
  bool operator()(datetime const& d) { return in_range(d) && text(plain_text(d)); }
  bool operator()(date const& d) { return in_range(d) && text(plain_text(d)); }
  bool operator()(time_of_day const& t) { return in_range(t) && text(to_iso(t)); }

 private:
  bool write(value const& v) { return v.visit(*this); }
  bool text(std::string_view s) {
    if (auto const bad = find_invalid_utf8(s); bad != std::string_view::npos)
      return stop("text is not UTF-8 at its byte " + std::to_string(bad) + "; use lovage::bytes for octets");
    return fits(s.size()) && (out_.text(s), true);
  }
  template <class T>
  bool in_range(T const& t) {
    auto const range = check_range(t);
    return range || stop(range.error().detail);
  }
  bool fits(std::size_t n) { return n <= UINT32_MAX || stop("more than 4 GiB in one string, list or map"); }
  bool stop(std::string what) { return problem_ = "msgpack: " + std::move(what), false; }

  packer out_;
  std::string problem_;
  int depth_ = 0;
};

bool msgpack_writer::operator()(value::list const& l) {
  if (depth_ == max_nesting) return stop(nested_too_deep());
  if (!fits(l.size())) return false;
  ++depth_;
  out_.array(l.size());
  for (auto const& item : l)
    if (!write(item)) return false;
  --depth_;
  return true;
}

bool msgpack_writer::operator()(value::map const& m) {
  if (depth_ == max_nesting) return stop(nested_too_deep());
  if (!fits(m.size())) return false;
  ++depth_;
  out_.map(m.size());
  for (auto const& member : m)
    if (!text(member.key) || !write(member.val)) return false;
  --depth_;
  return true;
}

/// Reads into `value`, throwing the unpacker's errors.
class msgpack_reader {
 public:
  explicit msgpack_reader(std::string_view data) : in_{data} {}

  value document() {
    auto out = read(0);
    if (!in_.at_end()) in_.fail("unexpected bytes after the value");
    return out;
  }

 private:
  value read(int depth) {
    switch (in_.peek()) {
      case pack_kind::text: return value{text()};
      case pack_kind::array: return read_list(depth);
      case pack_kind::map: return read_map(depth);
      case pack_kind::extension: {
        unpacker ahead = in_;
        in_.fail("unknown extension type " + std::to_string(ahead.extension().type));
      }
      default: return in_.any();
    }
  }
  value read_list(int depth) {
    if (depth == max_nesting) in_.fail(nested_too_deep());
    value::list out;
    for (auto n = in_.array(); n > 0; --n) out.push_back(read(depth + 1));
    return out;
  }
  value read_map(int depth) {
    if (depth == max_nesting) in_.fail(nested_too_deep());
    value::map out;
    for (auto n = in_.map(); n > 0; --n) {
      auto k = key();
      out.push_back({std::move(k), read(depth + 1)});
    }
    keep_last_of_equal_keys(out);
    return out;
  }
  std::string_view text() {
    auto const ahead = in_;
    auto const s = in_.text();
    if (!is_utf8(s)) ahead.fail("a string that is not UTF-8");
    return s;
  }
  /// Python's dicts may have other keys; they become the text that JSON would give them.
  std::string key() {
    switch (in_.peek()) {
      case pack_kind::text: return std::string{text()};
      case pack_kind::nil: in_.nil(); return "null";
      case pack_kind::boolean: return in_.boolean() ? "true" : "false";
      case pack_kind::integer: return std::to_string(in_.integer());
      case pack_kind::unsigned_integer: return std::to_string(in_.unsigned_integer());
      default: in_.fail(std::string{"a key must be text, got "} + in_.peek_name());
    }
  }

  unpacker in_;
};

}  // namespace

expected<std::string> to_msgpack(value const& v) { return msgpack_writer{}.document(v); }

expected<value> from_msgpack(std::string_view data) {
  try {
    return msgpack_reader{data}.document();
  } catch (lovage::error const& e) {
    return fail(errc::decode, "msgpack: " + e.info().detail, e.info().where);
  }
}

}  // namespace lovage::wire
