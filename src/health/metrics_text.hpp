// Prometheus' text format, version 0.0.4, and the buckets that lovage's runtimes are counted in.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace lovage::health {

/// A label's value without what would end it.
[[nodiscard]] std::string escaped_label(std::string_view label);

/// Counts of runtimes.
struct runtime_histogram {
  /// Upper ends in seconds; the last one, without end, is added.
  static constexpr std::array bounds{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1., 2.5, 5., 7.5, 10.};

  std::array<std::uint64_t, bounds.size() + 1> runs{};
  double seconds = 0;

  void add(double runtime);
};

/// One metric after the other, each with its head.
class metrics_page {
 public:
  void head(char const* name, char const* type, char const* help);
  void line(std::string_view name, std::string_view labels, double n);
  void line(std::string_view name, std::string_view labels, std::uint64_t n);
  /// The buckets, the sum and the count of `name`.
  void histogram(std::string const& name, std::string const& labels, runtime_histogram const& of);

  std::string text;
};

}  // namespace lovage::health
