#include "wire/fields.hpp"

#include "wire/result_record.hpp"

#include <charconv>
#include <cmath>

namespace lovage::wire {

void fields::refuse(std::string_view key, std::string_view what) {
  if (!ok()) return;
  error_.code = errc::decode;
  error_.detail.append(noun_).append(" '").append(key).append("' ").append(what);
  error_.where.append(part_).append(".").append(key);
}

void fields::wrong_kind(std::string_view key, value const& v, std::string_view wanted) {
  if (!ok()) return;
  std::string what = "is ";
  what.append(v.kind()).append(", expected ").append(wanted);
  refuse(key, what);
}

void fields::text(std::string_view key, value const& v, std::string& out) {
  if (auto const* s = v.get_if<std::string>()) {
    out = *s;
  } else {
    wrong_kind(key, v, "str");
  }
}

void fields::name(std::string_view key, value const& v, std::string& out) {
  if (v.is_null()) return missing(key);
  text(key, v, out);
  if (ok() && out.empty()) refuse(key, "is empty");
}

void fields::text(std::string_view key, value const& v, std::optional<std::string>& out) {
  if (v.is_null()) {
    out.reset();
  } else if (auto const* s = v.get_if<std::string>()) {
    out = *s;
  } else {
    wrong_kind(key, v, "str or null");
  }
}

bool fields::read_integer(std::string_view key, value const& v, std::int64_t& out) {
  if (auto const* i = v.get_if<std::int64_t>()) {
    out = *i;
    return true;
  }
  if (auto const* s = v.get_if<std::string>()) {
    std::int64_t parsed = 0;
    auto const [end, problem] = std::from_chars(s->data(), s->data() + s->size(), parsed);
    if (problem == std::errc{} && end == s->data() + s->size()) {
      out = parsed;
      return true;
    }
    refuse(key, "is a text that is no integer");
  } else if (v.is<std::uint64_t>() || v.is<big_integer>()) {
    refuse(key, "is beyond 64 bits");
  } else {
    wrong_kind(key, v, "int");
  }
  return false;
}

void fields::integer(std::string_view key, value const& v, std::int64_t& out) {
  std::int64_t read = 0;
  if (v.is_null() || read_integer(key, v, read)) out = read;
}

void fields::integer(std::string_view key, value const& v, std::optional<std::int64_t>& out) {
  if (v.is_null()) {
    out.reset();
  } else if (std::int64_t read = 0; read_integer(key, v, read)) {
    out = read;
  }
}

void fields::number(std::string_view key, value const& v, std::optional<double>& out) {
  if (v.is_null()) {
    out.reset();
  } else if (auto const* i = v.get_if<std::int64_t>()) {
    out = static_cast<double>(*i);
  } else if (auto const* d = v.get_if<double>()) {
    if (!std::isfinite(*d)) return refuse(key, "is not finite");
    out = *d;
  } else {
    wrong_kind(key, v, "a number or null");
  }
}

void fields::boolean(std::string_view key, value const& v, bool& out) {
  if (v.is_null()) {
    out = false;
  } else if (auto const* b = v.get_if<bool>()) {
    out = *b;
  } else if (auto const* i = v.get_if<std::int64_t>()) {
    out = *i != 0;
  } else {
    wrong_kind(key, v, "bool");
  }
}

void fields::time(std::string_view key, value const& v, std::optional<datetime>& out) {
  if (v.is_null()) {
    out.reset();
  } else if (auto const* at = v.get_if<datetime>()) {
    out = *at;
  } else if (auto const* s = v.get_if<std::string>()) {
    if (s->empty()) return refuse(key, "is an empty text, expected an ISO 8601 time or null");
    auto parsed = parse_iso(*s);
    if (!parsed) return refuse(key, "is no ISO 8601 time: " + parsed.error().detail);
    out = *parsed;
  } else {
    wrong_kind(key, v, "an ISO 8601 text or null");
  }
}

void fields::list(std::string_view key, value& v, value::list& out) {
  if (auto* l = v.get_if<value::list>()) {
    out = std::move(*l);
  } else {
    wrong_kind(key, v, "list");
  }
}

void fields::map(std::string_view key, value& v, value::map& out) {
  if (auto* m = v.get_if<value::map>()) {
    out = std::move(*m);
  } else {
    wrong_kind(key, v, "map");
  }
}

}  // namespace lovage::wire
