#include "config/url.hpp"

#include "config/settings.hpp"
#include "core/ascii.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace lovage {
namespace {

constexpr std::size_t longest_url = 4096;

failure bad(std::string detail) { return fail(errc::bad_config, std::move(detail)); }

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_scheme(std::string_view text) noexcept {
  auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == '_';
  });
}

expected<std::string> decode(std::string_view text, char const* part) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    int const high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
    int const low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
    if (high < 0 || low < 0) return bad(std::string{"a % in the "} + part + " starts no escape; write it as %25");
    if (high == 0 && low == 0) return bad(std::string{"the "} + part + " holds a zero byte");
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

expected<void> read_into(std::string& out, std::string_view text, char const* part) {
  auto decoded = decode(text, part);
  if (!decoded) return fail(decoded.error());
  out = std::move(*decoded);
  return {};
}

expected<void> read_port(url& out, std::string_view text) {
  if (text.empty()) return {};
  unsigned port = 0;
  auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (wrong != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
    return bad("the port is no number from 1 to 65535; in a password write @ : / ? # as %40 %3A %2F %3F %23");
  }
  out.port = static_cast<std::uint16_t>(port);
  return {};
}

expected<void> read_host(url& out, std::string_view text) {
  if (text.starts_with('[')) {
    auto const close = text.find(']');
    if (close == text.npos) return bad("an IPv6 address misses its closing bracket");
    out.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (text.empty()) return {};
    if (text[0] != ':') return bad("after the bracket of an IPv6 address comes : and the port");
    return read_port(out, text.substr(1));
  }
  auto const colon = text.find(':');
  if (auto ok = read_into(out.host, text.substr(0, colon), "host"); !ok) return ok;
  return colon == text.npos ? expected<void>{} : read_port(out, text.substr(colon + 1));
}

expected<void> read_authority(url& out, std::string_view text) {
  auto const at = text.rfind('@');
  if (at == text.npos) return read_host(out, text);
  auto const who = text.substr(0, at);
  auto const colon = who.find(':');
  if (auto ok = read_into(out.user, who.substr(0, colon), "user"); !ok) return ok;
  if (colon != who.npos) {
    if (auto ok = read_into(out.password, who.substr(colon + 1), "password"); !ok) return ok;
  }
  return read_host(out, text.substr(at + 1));
}

expected<void> read_query(url& out, std::string_view text) {
  while (!text.empty()) {
    auto const end = std::min(text.find('&'), text.size());
    auto const item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    auto const equals = item.find('=');
    auto key = decode(item.substr(0, equals), "query");
    if (!key) return fail(key.error());
    auto val = decode(equals == item.npos ? std::string_view{} : item.substr(equals + 1), "query");
    if (!val) return fail(val.error());
    out.query.insert_or_assign(std::move(*key), std::move(*val));
  }
  return {};
}

// The addresses of a failover list: a `;` ends one only where another begins.
std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t from = 0;
  for (auto at = text.find(';'); at != text.npos; at = text.find(';', at + 1)) {
    auto const rest = text.substr(at + 1);
    auto const colon = rest.find("://");
    if (colon == rest.npos || !is_scheme(rest.substr(0, colon))) continue;
    out.push_back(text.substr(from, at - from));
    from = at + 1;
  }
  out.push_back(text.substr(from));
  return out;
}

std::string mask_query(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto const end = std::min(text.find('&'), text.size());
    auto const item = text.substr(0, end);
    auto const equals = item.find('=');
    bool const hide = equals != item.npos && settings::is_secret(item.substr(0, equals));
    out += hide ? std::string{item.substr(0, equals + 1)} + "**" : std::string{item};
    if (end < text.size()) out += '&';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Works on anything: a password may hold characters that make the address invalid, and must be hidden all the same.
std::string mask_one(std::string_view text) {
  auto const start = text.find("://");
  if (start == text.npos) return std::string{text};
  auto const from = start + 3;
  auto const at = text.rfind('@');
  std::string out{text.substr(0, from)};
  auto rest = text.substr(from);
  if (at != text.npos && at >= from) {
    auto const who = text.substr(from, at - from);
    auto const colon = who.find(':');
    auto const shown = std::min(colon, who.find('?'));
    out += shown == who.npos ? std::string{who} : std::string{who.substr(0, shown)} + ":**";
    rest = text.substr(at);
  }
  auto const question = rest.find('?');
  if (question == rest.npos) return out + std::string{rest};
  return out + std::string{rest.substr(0, question + 1)} + mask_query(rest.substr(question + 1));
}

}  // namespace

expected<url> parse_url(std::string_view text) {
  if (text.size() > longest_url) return bad("a URL is longer than 4096 bytes");
  auto const colon = text.find("://");
  if (colon == text.npos || !is_scheme(text.substr(0, colon))) {
    return bad("a URL begins with its scheme, such as redis://, amqp://, postgresql://, sqlite:/// or memory://");
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; })) {
    return bad("a URL holds no blanks or control characters; write a blank as %20");
  }
  if (text.find('#') != text.npos) return bad("write # as %23");
  url out;
  for (char const c : text.substr(0, colon)) out.scheme += lower(c);
  auto rest = text.substr(colon + 3);
  auto const question = rest.find('?');
  if (question != rest.npos) {
    if (auto ok = read_query(out, rest.substr(question + 1)); !ok) return fail(ok.error());
    rest = rest.substr(0, question);
  }
  auto const slash = rest.find('/');
  if (auto ok = read_authority(out, rest.substr(0, slash)); !ok) return fail(ok.error());
  if (slash != rest.npos) {
    if (auto ok = read_into(out.path, rest.substr(slash + 1), "path"); !ok) return fail(ok.error());
  }
  if (out.scheme == "sqlite" && !out.host.empty()) {
    return bad("write sqlite:///relative/file.db or sqlite:////absolute/file.db");
  }
  return out;
}

expected<std::vector<url>> parse_urls(std::string_view text) {
  std::vector<url> out;
  for (auto const part : split_list(text)) {
    auto parsed = parse_url(part);
    if (!parsed) return fail(parsed.error());
    out.push_back(std::move(*parsed));
  }
  return out;
}

std::string mask_url(std::string_view text) {
  std::string out;
  for (auto const part : split_list(text)) out += (out.empty() ? "" : ";") + mask_one(part);
  return out;
}

std::string sqlite_url(std::string_view path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out = "sqlite:///";
  for (char const c : path) {
    auto const octet = static_cast<unsigned char>(c);
    if (octet > ' ' && octet != 0x7f && c != '%' && c != '?' && c != '#' && c != ';') {
      out += c;
    } else {
      out += '%';
      out += digits[octet >> 4];
      out += digits[octet & 15];
    }
  }
  return out;
}

}  // namespace lovage
