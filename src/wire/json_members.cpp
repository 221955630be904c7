#include "wire/json_members.hpp"

#include "wire/scalar_text.hpp"
#include "wire/serializer.hpp"

#include <cmath>

namespace lovage::wire {
namespace {

// In blocks without a way out, which the compiler does many characters at a time.
constexpr std::size_t block = 32;

}  // namespace

bool is_plain_json(std::string_view text) noexcept {
  std::size_t i = 0;
  for (; i + block <= text.size(); i += block) {
    unsigned char odd = 0;
    for (std::size_t k = 0; k < block; ++k) odd |= is_plain_json(text[i + k]) ? 0 : 1;
    if (odd) return false;
  }
  for (; i < text.size(); ++i)
    if (!is_plain_json(text[i])) return false;
  return true;
}

bool append_json_text(std::string& out, std::string_view text) {
  if (is_plain_json(text)) {
    out += '"';
    out += text;
    out += '"';
    return true;
  }
  auto const escaped = to_json(value{text});
  if (!escaped) return false;
  out += *escaped;
  return true;
}

void json_members::comma() {
  if (!out_.empty() && out_.back() != '{') out_ += ", ";
}

void json_members::add(std::string_view members) {
  if (members.empty()) return;
  comma();
  out_ += members;
}

void json_members::begin(std::string_view key) {
  comma();
  out_ += '"';
  out_ += key;
  out_ += "\": ";
}

void json_members::raw(std::string_view key, std::string_view v) {
  begin(key);
  out_ += v;
}

void json_members::text(std::string_view key, std::string_view v) {
  begin(key);
  if (!append_json_text(out_, v)) out_ += "\"?\"";
}

void json_members::integer(std::string_view key, std::int64_t v) {
  begin(key);
  append_integer(out_, v);
}

void json_members::real(std::string_view key, double v) {
  if (!std::isfinite(v)) return null(key);
  begin(key);
  append_float(out_, v);
}

}  // namespace lovage::wire
