// The monitor's records as JSON values, as /api/v1 has them.
#pragma once

#include "monitor/monitor.hpp"
#include "web/message.hpp"

#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace lovage::web {

/// Unix seconds with fractions.
[[nodiscard]] value seconds_value(time_point t);
[[nodiscard]] value seconds_value(std::optional<time_point> t);
/// Null for an empty text.
[[nodiscard]] value text_value(std::string const& text);
template <class T>
[[nodiscard]] value optional_value(std::optional<T> const& v) {
  return v ? value{*v} : value{};
}

/// What stands for arguments and results that are not shown.
inline constexpr char const* mask = "***";

/// `masked`: without arguments, results and texts of exceptions.
[[nodiscard]] value task_value(monitor::task_record const& t, bool masked);
/// With traceback, routing key, clock, stamps.
[[nodiscard]] value whole_task_value(monitor::task_record const& t, bool masked);
[[nodiscard]] value worker_value(monitor::worker_picture const& w, bool masked);
[[nodiscard]] value queue_value(monitor::queue_picture const& q);
[[nodiscard]] value alert_value(monitor::alert const& a);
[[nodiscard]] value overview_value(monitor::snapshot const& s);
[[nodiscard]] value percentiles_value(monitor::percentiles const& p);
template <class Range, class View>
[[nodiscard]] value list_value(Range const& all, View&& view) {
  value::list out;
  for (auto const& each : all) out.push_back(view(each));
  return value{std::move(out)};
}
/// What a worker answered to `stats` without `broker.alternates`: addresses of brokers, with their passwords.
[[nodiscard]] value safe_stats(value stats);
[[nodiscard]] value names_value(std::vector<std::string> const& names);

// Reading what was asked.
[[nodiscard]] std::string text_of(value::map const& m, std::string_view key);
/// Nothing when it is not there; throws `error{invalid_argument}` for what is no number.
[[nodiscard]] std::optional<double> number_of(value::map const& m, std::string_view key);
[[nodiscard]] std::optional<double> number_of(fields const& q, std::string_view key);
/// Texts of a list; numbers as text.
[[nodiscard]] std::vector<std::string> texts_of(value::map const& m, std::string_view key);
[[nodiscard]] bool flag_of(value::map const& m, std::string_view key);
/// Throws `error{invalid_argument}` that names it.
[[nodiscard]] std::string needed_text(value::map const& m, std::string_view key);
[[nodiscard]] time_point time_of(double unix_seconds);

}  // namespace lovage::web
