// Which store a program's schedulers share.
#pragma once

#include "app/app_state.hpp"
#include "beat/schedule_store.hpp"

#include <string>

namespace lovage::beats {

struct store_choice {
  store_settings with;
  std::string shown;  ///< its URL without password
  std::string why;    ///< which setting said so
};

/// By the settings `beat_scheduler`, `beat_store_url`, `result_backend`, `broker_url` and `beat_schedule_filename`;
/// `url`, unless empty, overrules them. Error `bad_config`.
[[nodiscard]] expected<store_choice> choose_store(detail::app_state const& app, std::string const& url = {});

}  // namespace lovage::beats
