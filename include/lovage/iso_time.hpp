// Reading ISO 8601 times as Python writes them, header-only because plug-ins need it.
#pragma once

#include <lovage/types.hpp>

#include <chrono>
#include <optional>
#include <string_view>

namespace lovage {
namespace detail {

class iso_reader {
 public:
  explicit iso_reader(std::string_view text) : text_{text} {}

  std::optional<datetime> read() {
    bool const basic = text_.size() >= 8 && text_.find('-') != 4;
    int year = 0, month = 0, day = 0;
    if (!number(4, year) || (!basic && !one_of("-")) || !number(2, month) || (!basic && !one_of("-")) ||
        !number(2, day))
      return std::nullopt;
    std::chrono::year_month_day const ymd{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                          std::chrono::day{static_cast<unsigned>(day)}};
    if (!ymd.ok()) return std::nullopt;
    datetime out;
    out.local_us = std::chrono::microseconds{std::chrono::sys_days{ymd}.time_since_epoch()}.count();
    if (at_ == text_.size()) return out;
    ++at_;  // any one character stands between date and time
    if (!time(basic, out.local_us) || !offset(out.offset_s) || at_ != text_.size()) return std::nullopt;
    return out;
  }

 private:
  bool one_of(std::string_view set) {
    if (at_ < text_.size() && set.find(text_[at_]) != set.npos) return ++at_, true;
    return false;
  }
  bool number(int digits, int& out) {
    out = 0;
    for (int i = 0; i < digits; ++i, ++at_) {
      if (at_ >= text_.size() || text_[at_] < '0' || text_[at_] > '9') return false;
      out = out * 10 + (text_[at_] - '0');
    }
    return true;
  }
  bool time(bool basic, std::int64_t& us) {
    int hour = 0, minute = 0, second = 0;
    if (!number(2, hour) || (!basic && !one_of(":")) || !number(2, minute)) return false;
    bool const has_seconds = basic ? at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' : one_of(":");
    if (has_seconds && !number(2, second)) return false;
    if (hour > 23 || minute > 59 || second > 59) return false;
    us += ((hour * 60 + minute) * 60 + second) * std::int64_t{1'000'000};
    return !has_seconds || !one_of(".,") || fraction(us);
  }
  bool fraction(std::int64_t& us) {  // digits past the sixth are cut
    std::int64_t unit = 100'000;
    auto const first = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_, unit /= 10)
      us += (text_[at_] - '0') * unit;
    return at_ != first;
  }
  bool offset(std::optional<std::int32_t>& out) {
    if (at_ == text_.size()) return true;
    if (one_of("Zz")) return out = 0, true;
    bool const west = text_[at_] == '-';
    int hours = 0, minutes = 0, seconds = 0;
    if (!one_of("+-") || !number(2, hours)) return false;
    if (at_ < text_.size() && (one_of(":"), !number(2, minutes))) return false;
    if (at_ < text_.size() && (one_of(":"), !number(2, seconds))) return false;
    if (hours > 23 || minutes > 59 || seconds > 59) return false;
    auto const total = (hours * 60 + minutes) * 60 + seconds;
    out = west ? -total : total;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// Extended or basic form, date alone, with or without seconds, fraction (cut to microseconds) and offset. Nothing when
/// the text is no such time. Naive when the text has no offset.
[[nodiscard]] inline std::optional<datetime> iso_to_datetime(std::string_view text) {
  return detail::iso_reader{text}.read();
}

}  // namespace lovage
