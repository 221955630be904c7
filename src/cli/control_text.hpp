// Replies of workers, for people: the look of Celery's `inspect` and `control`.
#pragma once

#include <lovage/control.hpp>

#include <string>

namespace lovage::cli {

/// "->  w1@host: OK" and, with `show_body`, the reply indented below it.
[[nodiscard]] std::string reply_text(node_reply const& r, bool show_body, bool quiet);
/// "\n2 nodes online.\n"
[[nodiscard]] std::string online_text(std::size_t nodes);

}  // namespace lovage::cli
