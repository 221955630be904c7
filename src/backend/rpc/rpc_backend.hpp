#pragma once

#include "backend/result_backend.hpp"

#include <memory>

namespace lovage::backend {

/// `rpc://`: a result is a message to the program that sent the task, over the broker that carries the tasks
/// (wire-format 7.7). Nothing is stored: a record without `reply_to` is dropped, and so is one whose reader has gone.
///
/// The reader keeps the newest record of each of its tasks, 100,000 records or 256 MB of them at most, the oldest going
/// first; a record that is waited for reaches its watch in any case. Replies that arrive while the reader's connection
/// is lost are lost.
///
/// *Requires*: `settings::transport`, of a broker with `traits::inboxes`. It is asked for when it is first needed.
[[nodiscard]] expected<std::shared_ptr<result_backend>> make_rpc_backend(settings with, deadline until);

}  // namespace lovage::backend
