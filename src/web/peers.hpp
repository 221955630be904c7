// Addresses: of proxies that are trusted, of this machine, of hosts that a browser may call us by.
#pragma once

#include <lovage/expected.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::web {

/// "10.0.0.0/8", "::1", "192.168.1.7".
class address_range {
 public:
  /// Error `bad_config` names the setting.
  [[nodiscard]] static expected<address_range> parse(std::string_view text, std::string const& setting);
  [[nodiscard]] bool contains(std::string_view address) const;

 private:
  std::array<std::uint8_t, 16> octets_{};
  unsigned bits_ = 128;
};

[[nodiscard]] bool contains(std::vector<address_range> const& ranges, std::string_view address);
/// 127.0.0.0/8, ::1 and "localhost".
[[nodiscard]] bool is_loopback(std::string_view host);
/// An IP address, with or without brackets.
[[nodiscard]] bool is_address(std::string_view host);
/// "shop.example.org:5555" and "[::1]:5555" without the port, in lower case.
[[nodiscard]] std::string host_without_port(std::string_view header);

}  // namespace lovage::web
