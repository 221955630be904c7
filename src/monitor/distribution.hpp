// How long things took: counts in buckets that grow by a twelfth, so that any percentile is within 5 %.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lovage::monitor {

/// *Memory*: 8 octets a bucket in use, at most 3 KiB. From a microsecond to 250 days; what is beyond counts as that.
///
///     distribution d;
///     d.add(0.013);
///     d.at(0.95);   // 0.013, within 5 %
class distribution {
 public:
  /// Seconds; negative ones and those that are no number are passed over.
  void add(double seconds);
  distribution& operator+=(distribution const& other);
  /// The value below which `part` (0 to 1) of them are; nothing when there are none.
  [[nodiscard]] std::optional<double> at(double part) const;
  [[nodiscard]] std::uint64_t count() const noexcept;

  /// For the history: a few octets, and back. What cannot be read is empty.
  [[nodiscard]] std::string packed() const;
  [[nodiscard]] static distribution unpacked(std::string_view octets);
  friend bool operator==(distribution const&, distribution const&) = default;

 private:
  struct bucket {
    std::uint32_t place, n;
    friend bool operator==(bucket const&, bucket const&) = default;
  };
  void add(std::uint32_t place, std::uint32_t n);
  std::vector<bucket> buckets_;  // by place
};

}  // namespace lovage::monitor
