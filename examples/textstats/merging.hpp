// What many `file_stats` come to.
#pragma once

#include "textstats.hpp"

namespace textstats {

[[nodiscard]] totals merged(std::vector<file_stats> const& files);

}  // namespace textstats
