// Periodic tasks as data, header-only because plug-ins need it: what the setting `beat_schedule` takes.
#pragma once

#include <lovage/periodic.hpp>
#include <lovage/signature_value.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace lovage::detail {

inline constexpr std::array<std::string_view, 3> catch_up_names{"none", "last", "all"};
inline constexpr std::array<std::string_view, 4> overlap_names{"allow", "skip", "queue", "cancel"};

/// The options that are not as by default, by name: seconds, words, moments as ISO text.
[[nodiscard]] inline value::map periodic_values(periodic_options const& with) {
  periodic_options const usual;
  value::map out;
  auto const put = [&](char const* key, value v) { out.push_back({key, std::move(v)}); };
  if (with.catch_up_ != usual.catch_up_) put("catch_up", catch_up_names[static_cast<std::size_t>(with.catch_up_)]);
  if (with.grace_) put("grace", with.grace_->count());
  if (with.overlap_ != usual.overlap_) put("overlap", overlap_names[static_cast<std::size_t>(with.overlap_)]);
  if (with.spread_.count() > 0) put("spread", with.spread_.count());
  if (with.jitter_.count() > 0) put("jitter", with.jitter_.count());
  if (with.start_) put("start", iso_text(*with.start_));
  if (with.end_) put("end", iso_text(*with.end_));
  if (with.one_off_) put("one_off", true);
  return out;
}

/// An entry of `beat_schedule`. *On failure*: throws `error{invalid_argument}` for a call that cannot be.
[[nodiscard]] inline value periodic_spec(value when, raw_call const& call, periodic_options const& with) {
  check_call(call);
  value::map out{{"task", call.task},
                 {"schedule", std::move(when)},
                 {"args", unpack_arguments(call)},
                 {"kwargs", call.kwargs},
                 {"options", option_values(call.options)}};
  for (auto& option : periodic_values(with)) out.push_back(std::move(option));
  return value{std::move(out)};
}

}  // namespace lovage::detail
