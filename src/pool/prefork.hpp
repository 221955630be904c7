// The fork server's side of the prefork pool: what a program calls before anything else.
#pragma once

#include "pool/pool.hpp"

namespace lovage::pool {

/// True when this process was started by a prefork pool to make its children.
///
///     int worker::run() {
///       if (pool::is_fork_server()) pool::serve_forks(runner);
[[nodiscard]] bool is_fork_server() noexcept;

/// Makes children until the worker that started this process goes away, then exits. Each child runs jobs with `run`.
///
/// *Requires*: `is_fork_server()`, and that no thread was started yet: a fork copies one thread, and with it every lock
/// that another one held. *On failure*: tells the worker, whose `start` then returns the text.
[[noreturn]] void serve_forks(runner run);

}  // namespace lovage::pool
