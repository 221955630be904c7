// The load of a day to come: what periodic tasks are sent in each minute, where they pile up, and when it is quiet.
#pragma once

#include <lovage/schedule.hpp>
#include <lovage/types.hpp>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::beats {

/// What heat asks of an entry; its schedule is settled.
struct heat_source {
  std::string_view name;
  schedule const* when;
  std::chrono::microseconds spread{0};  ///< the entry's; jitter is left out
};

struct pile_up {
  std::size_t minute;  ///< since the begin
  std::uint32_t runs;
  std::vector<std::string> entries;  ///< the first few, in alphabetical order
  std::uint32_t more = 0;            ///< entries that are not named
};

/// A stretch of [first, last) minutes.
struct quiet_time {
  std::size_t first, last;
  std::uint64_t runs;
};

struct heat {
  time_point begin;
  std::vector<std::uint32_t> per_minute;
  std::uint64_t runs = 0;
  std::vector<pile_up> pile_ups;  ///< the fullest minutes first: those that have thrice the mean, and more than one
  std::vector<quiet_time> quiet;  ///< whole hours since the begin, the quietest first
};

/// Of a day from the full minute of `begin` on. An entry that comes more than once a minute counts that often.
[[nodiscard]] heat heat_of(std::span<heat_source const> entries, time_point begin,
                           std::chrono::minutes length = std::chrono::hours{24});

/// For a terminal: a line for each hour with a bar and its fullest minute, then pile-ups and quiet hours. Times are
/// those of the zone; a name that is unknown is UTC.
[[nodiscard]] std::vector<std::string> heat_lines(heat const& of, std::string_view zone = "UTC");

}  // namespace lovage::beats
