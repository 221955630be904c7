#include "sql/sql_time.hpp"

#include "core/ascii.hpp"

#include <array>
#include <cstdio>

namespace lovage::sql {
namespace {

using namespace std::chrono_literals;

/// Reads from the front of a text; once something did not fit, nothing does.
class sql_time_reader {
 public:
  explicit sql_time_reader(std::string_view text) : rest_{text} {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void need(bool what) { ok_ = ok_ && what; }
  int number(std::size_t digits) {
    int out = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_.empty() || !is_digit(rest_.front())) return ok_ = false, 0;
      out = out * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return out;
  }
  /// Digits beyond microseconds are cut off.
  std::chrono::microseconds fraction() {
    int out = 0, scale = 100'000;
    need(!rest_.empty() && is_digit(rest_.front()));
    while (!rest_.empty() && is_digit(rest_.front())) {
      out += (rest_.front() - '0') * scale;
      scale /= 10;
      rest_.remove_prefix(1);
    }
    return std::chrono::microseconds{out};
  }
  /// Seconds east of UTC.
  std::chrono::seconds zone() {
    bool const west = skip('-');
    if (!west && !skip('+')) return need(skip('Z') || at_end()), 0s;
    std::chrono::seconds out = std::chrono::hours{number(2)};
    if (skip(':') || (!at_end() && is_digit(rest_.front()))) out += std::chrono::minutes{number(2)};
    if (skip(':')) out += std::chrono::seconds{number(2)};
    return west ? -out : out;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string write_sql_time(time_point at) {
  auto const day = std::chrono::floor<std::chrono::days>(at);
  std::chrono::year_month_day const date{day};
  std::chrono::hh_mm_ss const time{at - day};
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02u %02d:%02d:%02d.%06d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return out.data();
}

std::optional<time_point> read_sql_time(std::string_view text) {
  sql_time_reader in{text};
  std::chrono::year const year{in.number(4)};
  in.need(in.skip('-'));
  std::chrono::month const month{static_cast<unsigned>(in.number(2))};
  in.need(in.skip('-'));
  std::chrono::year_month_day const date{year, month, std::chrono::day{static_cast<unsigned>(in.number(2))}};
  in.need(in.skip(' ') || in.skip('T'));
  auto out = time_point{std::chrono::sys_days{date}} + std::chrono::hours{in.number(2)};
  in.need(in.skip(':'));
  out += std::chrono::minutes{in.number(2)};
  in.need(in.skip(':'));
  out += std::chrono::seconds{in.number(2)};
  if (in.skip('.')) out += in.fraction();
  out -= in.zone();
  if (!in.ok() || !in.at_end() || !date.ok()) return std::nullopt;
  return out;
}

}  // namespace lovage::sql
