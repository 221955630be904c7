// The tables of the history.
#pragma once

#include "store/database.hpp"

namespace lovage::monitor {

/// What `word` rows name.
enum class word_kind : int { task = 1, worker = 2, queue = 3, state = 4 };

/// Makes the tables where there are none. Throws `sql_failure`: `unavailable` for a file of something else or a damaged
/// one, `bad_config` for one of a newer lovage.
void prepare_history(store::database& on);
/// How a connection of the history works. `cache` in KiB.
void tune_history(store::database& on, int cache);

}  // namespace lovage::monitor
