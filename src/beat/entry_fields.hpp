// Entries as the setting `beat_schedule` and the command line write them: Celery's members and ours.
#pragma once

#include "beat/entry.hpp"

#include <lovage/value.hpp>

#include <string>
#include <string_view>

namespace lovage::beats {

/// The JSON of an entry's call, once it is known that it can be sent. Errors: `invalid_argument`, `decode`.
[[nodiscard]] expected<std::string> call_text(std::string task, value::list args, value::map kwargs,
                                              value::map options);

/// An entry of its members: `task`, `schedule`, `args`, `kwargs`, `options`, `relative`, `enabled`, and those of
/// `read_options`. Error `bad_config` that names the entry, the member and the fix.
[[nodiscard]] expected<entry> entry_of_members(std::string name, value const& members);

}  // namespace lovage::beats
