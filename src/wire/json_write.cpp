// Writing JSON as Python's json.dumps does, with kombu's forms for what JSON lacks.
#include "wire/base64.hpp"
#include "wire/json_members.hpp"
#include "wire/json_typed.hpp"
#include "wire/limits.hpp"
#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"
#include "wire/serializer.hpp"
#include "wire/utf8.hpp"

#include <cmath>

namespace lovage::wire {

namespace {

class json_writer {
 public:
  explicit json_writer(json_options options) : typed_{options.typed} { out_.reserve(256); }

  expected<std::string> document(value const& v) {
    if (!write(v)) return fail(errc::encode, std::move(problem_));
    return std::move(out_);
  }

  // One per alternative of `value`.
  bool operator()(std::monostate) { return put("null"); }
  bool operator()(bool b) { return put(b ? "true" : "false"); }
  bool operator()(std::int64_t i) { return append_integer(out_, i), true; }
  bool operator()(std::uint64_t u) { return append_integer(out_, u), true; }
  bool operator()(double d);
  bool operator()(std::string const& s) { return text(s); }
  bool operator()(bytes const& b);
  bool operator()(value::list const& l);
  bool operator()(value::map const& m);
  bool operator()(big_integer const& b);
  bool operator()(decimal const& d) { return typed_ ? typed("decimal", d.text) : text(d.text); }
  bool operator()(uuid const& u);
  bool operator()(datetime const& d) { return moment("datetime", d); }
  bool operator()(date const& d) { return moment("date", d); }
  bool operator()(time_of_day const& t) { return moment("time", t); }

 private:
  bool write(value const& v) { return v.visit(*this); }
  bool text(std::string_view s);
  void escape(std::uint32_t c);
  void escape_unit(std::uint32_t unit);

  bool typed(std::string_view type, std::string_view content) {
    out_.append(R"({"__type__": ")").append(type).append(R"(", "__value__": )");
    return text(content) && put("}");
  }
  template <class T>
  bool moment(std::string_view type, T const& t) {
    if (auto const range = check_range(t); !range) return stop(range.error().detail);
    if (typed_) return typed(type, to_iso(t));
    if constexpr (std::same_as<T, time_of_day>) {
      return text(to_iso(t));
    } else {
      return text(plain_text(t));
    }
  }
  bool put(std::string_view s) { return out_.append(s), true; }
  bool stop(std::string what) { return problem_ = "JSON: " + std::move(what), false; }

  std::string out_;
  std::string problem_;
  int depth_ = 0;
  bool typed_;
};

bool json_writer::operator()(double d) {
  if (std::isnan(d)) return put("NaN");
  if (std::isinf(d)) return put(d < 0 ? "-Infinity" : "Infinity");
  append_float(out_, d);
  return true;
}

bool json_writer::operator()(bytes const& b) {
  bool const utf8 = is_utf8(b.data);
  if (typed_) return utf8 ? typed("bytes", b.data) : typed("base64", to_base64(b.data));
  if (utf8) return text(b.data);
  return stop("bytes that are not UTF-8 have no form; use the serializer msgpack, or typed_json with kombu >= 5.3");
}

bool json_writer::operator()(value::list const& l) {
  if (depth_ == max_nesting) return stop(nested_too_deep());
  ++depth_;
  out_ += '[';
  for (bool first = true; auto const& item : l) {
    if (!std::exchange(first, false)) out_ += ", ";
    if (!write(item)) return false;
  }
  out_ += ']';
  --depth_;
  return true;
}

bool json_writer::operator()(value::map const& m) {
  if (depth_ == max_nesting) return stop(nested_too_deep());
  if (typed_ && is_typed_object(m))
    return stop("a map with exactly the keys __type__ and __value__ would be read as something else; add a key");
  ++depth_;
  out_ += '{';
  for (bool first = true; auto const& member : m) {
    if (!std::exchange(first, false)) out_ += ", ";
    if (!text(member.key)) return false;
    out_ += ": ";
    if (!write(member.val)) return false;
  }
  out_ += '}';
  --depth_;
  return true;
}

bool json_writer::operator()(big_integer const& b) {
  if (!is_integer_text(b.text)) return stop("big_integer \"" + b.text + "\" is no integer");
  auto const normal = integer_from_text(b.text);  // no leading zeros in JSON
  if (auto const* big = normal.get_if<big_integer>()) return put(big->text);
  return write(normal);
}

bool json_writer::operator()(uuid const& u) {
  if (!typed_) return text(u.str());
  auto hex = u.str();
  std::erase(hex, '-');
  return put(R"({"__type__": "uuid", "__value__": {"hex": ")") && put(hex) && put("\"}}");
}

bool json_writer::text(std::string_view s) {
  out_ += '"';
  if (is_plain_json(s)) {
    out_.append(s) += '"';
    return true;
  }
  for (std::size_t i = 0; i < s.size();) {
    auto const run = i;
    while (i < s.size() && is_plain_json(s[i])) ++i;
    out_.append(s, run, i - run);
    if (i == s.size()) break;
    auto const c = first_code_point(s.substr(i), true);
    if (c.size == 0)
      return stop("text is not UTF-8 at its byte " + std::to_string(i) + "; use lovage::bytes for octets");
    escape(c.value);
    i += c.size;
  }
  out_ += '"';
  return true;
}

void json_writer::escape(std::uint32_t c) {
  switch (c) {
    case '"': out_ += "\\\""; return;
    case '\\': out_ += "\\\\"; return;
    case '\n': out_ += "\\n"; return;
    case '\r': out_ += "\\r"; return;
    case '\t': out_ += "\\t"; return;
    case '\b': out_ += "\\b"; return;
    case '\f': out_ += "\\f"; return;
    default: break;
  }
  if (c < 0x10000) return escape_unit(c);
  escape_unit(0xd800 + ((c - 0x10000) >> 10));
  escape_unit(0xdc00 + ((c - 0x10000) & 0x3ff));
}

void json_writer::escape_unit(std::uint32_t unit) {
  static constexpr char hex[] = "0123456789abcdef";
  out_ += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out_ += hex[unit >> shift & 15];
}

}  // namespace

expected<std::string> to_json(value const& v, json_options options) { return json_writer{options}.document(v); }

}  // namespace lovage::wire
