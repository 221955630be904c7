// Numbers made of an entry's name: the same in every process, on every machine and in every release.
#pragma once

#include <lovage/types.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>

namespace lovage::beats {

/// FNV-1a, and the bits mixed once more (murmur3's last step), because names that differ in their last letter alone
/// would else be near each other. `salt` gives one name several numbers.
[[nodiscard]] constexpr std::uint64_t name_hash(std::string_view name, std::uint64_t salt = 0) noexcept {
  std::uint64_t h = 0xcbf29ce484222325;
  for (char const c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  h ^= salt * 0x9e3779b97f4a7c15;
  h = (h ^ h >> 33) * 0xff51afd7ed558ccd;
  h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53;
  return h ^ h >> 33;
}

/// How much later than due an entry with `spread = window` is sent, always: below the window, in whole seconds where
/// the window has ten of them.
[[nodiscard]] constexpr std::chrono::microseconds spread_of(std::string_view name, std::chrono::microseconds window) {
  using namespace std::chrono;
  if (window <= microseconds::zero()) return microseconds::zero();
  microseconds const unit = window >= seconds{10} ? microseconds{seconds{1}} : microseconds{1};
  return unit * static_cast<std::int64_t>(name_hash(name, 5) % static_cast<std::uint64_t>(window / unit));
}

/// The same for `jitter = window`: another for each occurrence.
[[nodiscard]] constexpr std::chrono::microseconds jitter_of(std::string_view name, time_point due,
                                                            std::chrono::microseconds window) {
  if (window <= std::chrono::microseconds::zero()) return std::chrono::microseconds::zero();
  auto const h = name_hash(name, static_cast<std::uint64_t>(due.time_since_epoch().count()) | 1ull << 63);
  return std::chrono::microseconds{static_cast<std::int64_t>(h % static_cast<std::uint64_t>(window.count()))};
}

}  // namespace lovage::beats
