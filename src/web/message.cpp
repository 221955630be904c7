#include "web/message.hpp"

#include <lovage/json.hpp>

namespace lovage::web {
namespace {

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::string code_word(errc code) {
  std::string out = to_string(code);
  for (char& c : out)
    if (c == ' ' || c == '-') c = '_';
  return out;
}

}  // namespace

response json_response(value const& v, int status) {
  response out;
  out.status = status;
  out.body = to_json(v);
  return out;
}

response text_response(std::string text, int status) {
  response out;
  out.status = status;
  out.type = "text/plain; charset=utf-8";
  out.body = std::move(text);
  return out;
}

response redirect_to(std::string where) {
  response out;
  out.status = 302;
  out.type = "text/plain; charset=utf-8";
  out.headers.add("Location", std::move(where));
  return out;
}

response error_response(int status, std::string code, std::string text, std::string where) {
  value::map inner{{"code", std::move(code)}, {"text", std::move(text)}, {"where", std::move(where)}};
  return json_response(value::map{{"error", std::move(inner)}}, status);
}

int status_of(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument:
    case errc::decode:
    case errc::encode:
    case errc::bad_config: return 400;
    case errc::not_registered: return 404;
    case errc::conflict: return 409;
    case errc::not_supported: return 501;
    case errc::unavailable:
    case errc::closed: return 503;
    case errc::timeout: return 504;
    case errc::no_space: return 507;
    default: return 500;
  }
}

response error_response(error_info const& e) {
  return error_response(status_of(e.code), code_word(e.code), e.detail.empty() ? e.text() : e.detail, e.where);
}

std::string percent_decoded(std::string_view text, bool form) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool const whole =
        text[i] == '%' && i + 2 < text.size() && digit_of(text[i + 1]) >= 0 && digit_of(text[i + 2]) >= 0;
    if (whole) {
      out += static_cast<char>(digit_of(text[i + 1]) * 16 + digit_of(text[i + 2]));
      i += 2;
    } else {
      out += form && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    auto const octet = static_cast<unsigned char>(c);
    out += '%';
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
  return out;
}

fields decode_form(std::string_view text) {
  fields out;
  while (!text.empty()) {
    auto const end = text.find('&');
    auto const pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    auto const equal = pair.find('=');
    auto const of = equal == std::string_view::npos ? std::string_view{} : pair.substr(equal + 1);
    out.add(percent_decoded(pair.substr(0, equal), true), percent_decoded(of, true));
  }
  return out;
}

std::string cookie_of(request const& r, std::string_view name) {
  std::string_view text = r.headers.get("cookie");
  while (!text.empty()) {
    auto const end = text.find(';');
    auto const pair = without_blanks(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    auto const equal = pair.find('=');
    if (equal != std::string_view::npos && pair.substr(0, equal) == name) return std::string{pair.substr(equal + 1)};
  }
  return {};
}

expected<value::map> json_body(request const& r) {
  if (r.body.empty()) return value::map{};
  try {
    auto v = from_json(r.body);
    if (auto* m = v.get_if<value::map>()) return std::move(*m);
    return fail(errc::decode, "the body must be a JSON object", "body");
  } catch (error const& e) {
    return fail(errc::decode, "the body is no JSON: " + e.info().detail, "body");
  }
}

}  // namespace lovage::web
