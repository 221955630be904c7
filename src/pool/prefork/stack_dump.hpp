// Where a child stands, written by the child itself when the worker asks with a signal.
#pragma once

#include "pool/prefork/process_title.hpp"

#include <csignal>

namespace lovage::pool {

/// The signal that asks; one that programs leave alone.
[[nodiscard]] inline int stack_dump_signal() noexcept { return SIGRTMAX - 1; }

/// From now on that signal writes title, pid and stack of the main thread to standard error. `title` must live as long
/// as the process. The lines name files and offsets, for addr2line(1) and c++filt(1).
void install_stack_dump(process_title const& title);

}  // namespace lovage::pool
