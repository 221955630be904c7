// Schedules as one text: include/lovage/schedule.hpp has the forms.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/schedule.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace lovage::beats {

[[nodiscard]] expected<schedule> read_schedule(std::string_view text);
[[nodiscard]] std::string schedule_text(schedule const& s);
[[nodiscard]] std::string schedule_words(schedule const& s);

/// A millisecond at least, a century at most.
[[nodiscard]] expected<void> check_period(std::chrono::duration<double> period);
/// Seconds that `check_period` lets pass.
[[nodiscard]] expected<every> every_of(double seconds);

}  // namespace lovage::beats
