#include "web/peers.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace lovage::web {
namespace {

using octets16 = std::array<std::uint8_t, 16>;

// IPv4 as mapped into IPv6, so that there is one form.
std::optional<octets16> octets_of(std::string_view text) {
  std::string const copy{text};
  octets16 out{};
  if (::inet_pton(AF_INET6, copy.c_str(), out.data()) == 1) return out;
  out = {};
  out[10] = out[11] = 0xff;
  if (::inet_pton(AF_INET, copy.c_str(), out.data() + 12) == 1) return out;
  return std::nullopt;
}

std::string_view without_brackets(std::string_view host) {
  bool const bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

expected<address_range> address_range::parse(std::string_view text, std::string const& setting) {
  auto const slash = text.find('/');
  auto const octets = octets_of(text.substr(0, slash));
  auto const wrong = [&] {
    return fail(errc::bad_config, "'" + std::string{text} + "' is no address such as 10.0.0.7 or 10.0.0.0/8", setting);
  };
  if (!octets) return wrong();
  address_range out;
  out.octets_ = *octets;
  if (slash == std::string_view::npos) return out;
  auto const digits = text.substr(slash + 1);
  bool const v4 = text.find(':') == std::string_view::npos;
  unsigned bits = 0;
  auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (failed != std::errc{} || end != digits.data() + digits.size() || bits > (v4 ? 32U : 128U)) return wrong();
  out.bits_ = v4 ? bits + 96 : bits;
  return out;
}

bool address_range::contains(std::string_view address) const {
  auto const of = octets_of(address);
  if (!of) return false;
  for (unsigned bit = 0; bit < bits_; bit += 8) {
    auto const left = std::min(8U, bits_ - bit);
    auto const mask = static_cast<std::uint8_t>(0xff << (8 - left));
    if (((octets_[bit / 8] ^ (*of)[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

bool contains(std::vector<address_range> const& ranges, std::string_view address) {
  return std::any_of(ranges.begin(), ranges.end(), [&](auto const& r) { return r.contains(address); });
}

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  static auto const v4 = address_range::parse("127.0.0.0/8", "").value();
  static auto const v6 = address_range::parse("::1", "").value();
  auto const plain = without_brackets(host);
  return v4.contains(plain) || v6.contains(plain);
}

bool is_address(std::string_view host) { return octets_of(without_brackets(host)).has_value(); }

std::string host_without_port(std::string_view header) {
  auto const bracket = header.rfind(']');
  auto const colon = header.rfind(':');
  bool const has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  std::string out{has_port ? header.substr(0, colon) : header};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace lovage::web
