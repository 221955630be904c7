// What this program itself says is periodic: in code, in its configuration, and for the backend it has.
#pragma once

#include "app/app_state.hpp"
#include "beat/entry.hpp"

#include <vector>

namespace lovage::beats {

/// Entries of `app::periodic` and of the setting `beat_schedule`; one of the configuration takes the place of one of
/// the same name in code. Errors: `bad_config`, and what a call cannot be.
[[nodiscard]] expected<std::vector<entry>> own_entries(detail::app_state const& app);

/// Celery's `celery.backend_cleanup` at 04:00, where results expire and the backend does not see to that by itself.
/// Nothing where that cannot be known now.
[[nodiscard]] std::optional<entry> cleanup_entry(detail::app_state& app, deadline until);

}  // namespace lovage::beats
