// What a prefork child does all its life.
#pragma once

#include "pool/pool.hpp"
#include "pool/prefork/process_title.hpp"
#include "pool/prefork/stop_page.hpp"

namespace lovage::pool {

/// How a child shows itself in the list of processes.
struct child_face {
  process_title& title;
  std::string name;  ///< "ForkPoolWorker-1"
};

/// Runs jobs from `fd` one after the other until the worker closes its end.
void serve_jobs(int fd, stop_page::cell const& stop, runner const& run, child_face const& face);

}  // namespace lovage::pool
