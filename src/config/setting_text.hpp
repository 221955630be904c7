// The words of reading a setting: taking texts apart, and saying what is wrong with one.
#pragma once

#include "config/settings.hpp"

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lovage::settings {

[[nodiscard]] std::string_view trim(std::string_view text);
/// The trimmed parts; none of a blank text.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char by);
[[nodiscard]] std::string lowered(std::string_view text);

/// The value as an error shows it: short, passwords of URLs masked, of structures only their kind.
[[nodiscard]] std::string quoted(value const& v);

/// "name: expects ..., such as ...; got ...", or `why` for the last part.
[[nodiscard]] failure wrong(setting const& row, value const& got, std::string const& why = {});

}  // namespace lovage::settings
