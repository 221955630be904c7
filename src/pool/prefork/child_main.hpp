// What a prefork child does all its life.
#pragma once

#include "pool/pool.hpp"
#include "pool/prefork/stop_page.hpp"

namespace lovage::pool {

/// Runs jobs from `fd` one after the other until the worker closes its end.
void serve_jobs(int fd, stop_page::cell const& stop, runner const& run);

}  // namespace lovage::pool
