// Where a thread stands, written by the thread itself when a signal asks for it.
#pragma once

#include <csignal>

namespace lovage::pool {

class process_title;

/// The signal that asks; one that programs leave alone.
[[nodiscard]] inline int stack_dump_signal() noexcept { return SIGRTMAX - 1; }

/// From now on that signal writes title, pid and stack to standard error. `title` must live as long as the process. The
/// lines name files and offsets, for addr2line(1) and c++filt(1).
void install_stack_dump(process_title const& title);
/// The same in a process whose threads run jobs: with the thread's id in place of a title.
void install_stack_dump();

/// Has a thread of this process write where it stands, and waits until it has, for a fifth of a second at most: stacks
/// of several threads would be mixed. *Requires*: `install_stack_dump`. *Threads*: one at a time.
void ask_for_stack(int thread) noexcept;

}  // namespace lovage::pool
