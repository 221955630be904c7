#pragma once

#include "app/app_state.hpp"

#include <span>
#include <string>
#include <string_view>

namespace lovage::detail {

/// Marks in the broker that these are not to run, and tells the workers that listen. Errors: `unavailable`,
/// `not_supported`.
[[nodiscard]] expected<void> revoke(app_state& app, std::span<task_id const> ids, bool terminate,
                                    std::string const& signal);
/// The same of tasks with one of these values of a stamp. Error `invalid_argument` for a name that is empty.
[[nodiscard]] expected<void> revoke_stamps(app_state& app, stamp_values const& stamps, bool terminate,
                                           std::string const& signal);

/// Whether this command of remote control says that something is not to run.
[[nodiscard]] bool is_revocation(std::string_view command) noexcept;
/// The mark alone, of what that command's arguments name; nothing where the broker keeps none, or for other commands.
[[nodiscard]] expected<void> keep_revocation(app_state& app, std::string_view command, value::map const& arguments);

}  // namespace lovage::detail
