// Which of several sendings of one task is run (wire/once.hpp).
#pragma once

#include <lovage/types.hpp>

#include <string>

namespace lovage::backend {

/// Asked for before a task runs whose sending may have been repeated.
struct run_claim {
  task_id id;
  std::string text;  ///< of the sending: another one for each
};

}  // namespace lovage::backend
