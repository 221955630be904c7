// Writing YAML the way PyYAML's safe dumper lays it out: block style, ASCII, lists not indented below their key.
//
// Scalars are quoted whenever there is the least doubt; lines are never folded.
#include "wire/base64.hpp"
#include "wire/limits.hpp"
#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"
#include "wire/serializer.hpp"
#include "wire/utf8.hpp"
#include "wire/yaml_scalar.hpp"

#include <algorithm>
#include <cmath>

namespace lovage::wire {

namespace {

constexpr bool is_alnum(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_safe_plain(std::string_view s) noexcept {
  if (s.empty() || s.back() == ' ' || s.starts_with("...")) return false;
  if (!is_alnum(s.front()) && s.front() != '_' && s.front() != '/' && s.front() != '.') return false;
  auto const allowed = [](char c) {
    return is_alnum(c) || std::string_view{"_-./+@$()=; "}.find(c) != std::string_view::npos;
  };
  return std::all_of(s.begin(), s.end(), allowed) && resolve_plain(s) == yaml_kind::text;
}

class yaml_writer {
 public:
  expected<std::string> document(value const& v) {
    if (!write(v, 0)) return fail(errc::encode, std::move(problem_));
    if (out_.empty() || out_.back() != '\n') out_ += '\n';
    return std::move(out_);
  }

 private:
  struct scalar_visitor {
    yaml_writer& to;
    bool operator()(std::monostate) { return to.put("null"); }
    bool operator()(bool b) { return to.put(b ? "true" : "false"); }
    bool operator()(std::int64_t i) { return append_integer(to.out_, i), true; }
    bool operator()(std::uint64_t u) { return append_integer(to.out_, u), true; }
    bool operator()(double d) { return to.real(d); }
    bool operator()(std::string const& s) { return to.text(s); }
    bool operator()(bytes const& b) { return to.put("!!binary \"") && to.put(to_base64(b.data)) && to.put("\""); }
    bool operator()(value::list const&) { return to.put("[]"); }
    bool operator()(value::map const&) { return to.put("{}"); }
    bool operator()(big_integer const& b);
    bool operator()(decimal const& d) { return to.text(d.text); }
    bool operator()(uuid const& u) { return to.text(u.str()); }
    bool operator()(datetime const& d);
    bool operator()(date const& d) { return to.in_range(d) && to.put(to_iso(d)); }
    bool operator()(time_of_day const& t) { return to.in_range(t) && to.text(to_iso(t)); }
  };

  bool write(value const& v, std::size_t indent);
  bool list(value::list const& l, std::size_t indent);
  bool map(value::map const& m, std::size_t indent);
  bool member(value::member const& m, std::size_t indent);
  bool real(double d);
  bool text(std::string_view s);
  bool quoted(std::string_view s);
  void escape(std::uint32_t c);
  template <class T>
  bool in_range(T const& t) {
    auto const range = check_range(t);
    return range || stop(range.error().detail);
  }
  bool put(std::string_view s) { return out_.append(s), true; }
  bool line() { return out_ += '\n', true; }
  bool stop(std::string what) { return problem_ = "YAML: " + std::move(what), false; }

  std::string out_;
  std::string problem_;
  int depth_ = 0;
};

bool yaml_writer::scalar_visitor::operator()(big_integer const& b) {
  if (!is_integer_text(b.text)) return to.stop("big_integer \"" + b.text + "\" is no integer");
  auto const normal = integer_from_text(b.text);  // a leading zero would make it octal
  if (auto const* big = normal.get_if<big_integer>()) return to.put(big->text);
  return normal.visit(*this);
}

bool yaml_writer::scalar_visitor::operator()(datetime const& d) {
  if (!to.in_range(d)) return false;
  if (d.offset_s.value_or(0) % 60 != 0) return to.stop("a datetime's offset with seconds has no form");
  auto text = to_iso(d);
  text[10] = ' ';
  return to.put(text);
}

bool is_block(value const& v) noexcept {
  if (auto const* l = v.get_if<value::list>()) return !l->empty();
  if (auto const* m = v.get_if<value::map>()) return !m->empty();
  return false;
}

/// With the pen at column `indent`. Leaves it behind a scalar, or at the end of a block's last line.
bool yaml_writer::write(value const& v, std::size_t indent) {
  if (!is_block(v)) return v.visit(scalar_visitor{*this});
  if (depth_ == max_nesting) return stop(nested_too_deep());
  ++depth_;
  auto const* l = v.get_if<value::list>();
  bool const ok = l != nullptr ? list(*l, indent) : map(*v.get_if<value::map>(), indent);
  --depth_;
  return ok;
}

bool yaml_writer::list(value::list const& l, std::size_t indent) {
  for (bool first = true; auto const& item : l) {
    if (!std::exchange(first, false)) line(), out_.append(indent, ' ');
    out_ += "- ";
    if (!write(item, indent + 2)) return false;
  }
  return true;
}

bool yaml_writer::map(value::map const& m, std::size_t indent) {
  for (bool first = true; auto const& item : m) {
    if (!std::exchange(first, false)) line(), out_.append(indent, ' ');
    if (!member(item, indent)) return false;
  }
  return true;
}

bool yaml_writer::member(value::member const& m, std::size_t indent) {
  bool const is_long = m.key.size() > 128;  // PyYAML's own limit; readers take a short key only within 1024 characters
  if (is_long) out_ += "? ";
  if (!text(m.key)) return false;
  if (is_long) line(), out_.append(indent, ' ');
  out_ += ':';
  if (!is_block(m.val)) return out_ += ' ', write(m.val, 0);
  auto const inner = m.val.is<value::list>() ? indent : indent + 2;
  line();
  out_.append(inner, ' ');
  return write(m.val, inner);
}

bool yaml_writer::real(double d) {
  if (std::isnan(d)) return put(".nan");
  if (std::isinf(d)) return put(d < 0 ? "-.inf" : ".inf");
  std::string digits;
  append_float(digits, d);
  // YAML 1.1 takes "1e+16" for text.
  if (digits.find('.') == std::string::npos) digits.insert(digits.find('e'), ".0");
  return put(digits);
}

bool yaml_writer::text(std::string_view s) {
  if (is_safe_plain(s)) return put(s);
  auto const printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!std::all_of(s.begin(), s.end(), printable)) return quoted(s);
  out_ += '\'';
  for (char const c : s) {
    if (c == '\'') out_ += '\'';
    out_ += c;
  }
  out_ += '\'';
  return true;
}

bool yaml_writer::quoted(std::string_view s) {
  out_ += '"';
  for (std::size_t i = 0; i < s.size();) {
    auto const c = first_code_point(s.substr(i));
    if (c.size == 0)
      return stop("text is not UTF-8 at its byte " + std::to_string(i) + "; use lovage::bytes for octets");
    if (c.value >= ' ' && c.value <= '~' && c.value != '"' && c.value != '\\') {
      out_ += s[i];
    } else {
      escape(c.value);
    }
    i += c.size;
  }
  out_ += '"';
  return true;
}

void yaml_writer::escape(std::uint32_t c) {
  static constexpr char hex[] = "0123456789ABCDEF";
  if (c == '"' || c == '\\') return void((out_ += '\\') += static_cast<char>(c));
  if (c == '\n') return void(out_ += "\\n");
  if (c == '\t') return void(out_ += "\\t");
  if (c == '\r') return void(out_ += "\\r");
  int const digits = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
  (out_ += '\\') += digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
  for (int shift = digits * 4 - 4; shift >= 0; shift -= 4) out_ += hex[c >> shift & 15];
}

}  // namespace

expected<std::string> to_yaml(value const& v) { return yaml_writer{}.document(v); }

}  // namespace lovage::wire
