// A dead message, for people and for scripts.
#pragma once

#include "broker/transport.hpp"

#include <string>

namespace lovage::cli {

/// The task's name from the headers; "?" when nobody can tell.
[[nodiscard]] std::string task_of(wire::envelope const& e);
/// The task's id; empty when nobody can tell.
[[nodiscard]] std::string id_of(wire::envelope const& e);
/// The first line, shortened: for a table's cell.
[[nodiscard]] std::string one_line(std::string const& text, std::size_t max_size = 80);

[[nodiscard]] value dead_value(broker::dead_message const& d);
[[nodiscard]] std::string dead_text(broker::dead_message const& d);

}  // namespace lovage::cli
