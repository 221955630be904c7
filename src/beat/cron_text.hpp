// Crontab fields, written.
#pragma once

#include "beat/cron_fields.hpp"

#include <string>

namespace lovage::beats {

/// In the grammar of cron_parse.cpp; reads back as the same.
[[nodiscard]] std::string cron_field_text(cron_sets const& sets, std::size_t field);
/// For people: "at 04:00 on Monday to Friday, Europe/Berlin".
[[nodiscard]] std::string cron_words(cron_sets const& sets);

}  // namespace lovage::beats
