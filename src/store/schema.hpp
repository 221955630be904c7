#pragma once

#include "store/database.hpp"

namespace lovage::store {

/// Makes or upgrades the tables. Throws `sql_failure`, also for a schema newer than this program knows.
void prepare_schema(database& on);

}  // namespace lovage::store
