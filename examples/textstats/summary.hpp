// The tables of what was found.
#pragma once

#include "textstats.hpp"

namespace textstats {

/// Writes them to standard output.
void print(totals const& found);

}  // namespace textstats
