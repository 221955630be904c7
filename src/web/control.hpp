// Telling workers what to do, and what they say to it.
#pragma once

#include <lovage/app.hpp>
#include <lovage/value.hpp>

#include <string>
#include <vector>

namespace lovage::web {

struct command {
  std::string name;
  value::map arguments;
  bool answered = true;  ///< false: nobody replies, nor is waited for
};

struct worker_reply {
  std::string worker;
  bool ok = false;
  std::string text;
};

/// To these workers; none: to all, whose answers are awaited for a second. Throws `error` as `remote_control` does.
[[nodiscard]] std::vector<worker_reply> tell_workers(app& on, command const& what,
                                                     std::vector<std::string> const& whom);

}  // namespace lovage::web
