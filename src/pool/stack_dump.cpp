#include "pool/stack_dump.hpp"

#include "pool/prefork/process_title.hpp"

#include <execinfo.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace lovage::pool {
namespace {

// A handler has no other way to know.
process_title const* shown_title = nullptr;
std::array<char, 1024> program_path{};
std::atomic<unsigned> written{0};
static_assert(std::atomic<unsigned>::is_always_lock_free);

void write_text(std::string_view text) noexcept {
  [[maybe_unused]] auto const n = ::write(STDERR_FILENO, text.data(), text.size());
}

void write_number(int n) noexcept {
  std::array<char, 16> text{};
  auto const end = std::to_chars(text.data(), text.data() + text.size(), n).ptr;
  write_text({text.data(), static_cast<std::size_t>(end - text.data())});
}

void write_who() noexcept {
  write_text("lovage: stack of ");
  if (shown_title == nullptr) {
    write_text("thread ");
    write_number(::gettid());
    write_text(" in ");
  }
  write_text("process ");
  write_number(::getpid());
  if (shown_title != nullptr) {
    write_text(" ");
    write_text(shown_title->shown());
  }
  write_text(" of ");  // the frames name the title where they mean the program
  write_text(program_path.data());
  write_text("\n");
}

/// Only async-signal-safe calls; backtrace is once its library is loaded, which `install_handler` sees to.
void on_signal(int) {
  int const saved = errno;
  write_who();
  std::array<void*, 64> frames{};
  int const depth = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  ::backtrace_symbols_fd(frames.data(), depth, STDERR_FILENO);
  write_text("lovage: end of stack\n");
  ++written;
  errno = saved;
}

void install_handler(process_title const* title) {
  shown_title = title;
  [[maybe_unused]] auto const n = ::readlink("/proc/self/exe", program_path.data(), program_path.size() - 1);
  std::array<void*, 1> first{};
  ::backtrace(first.data(), 1);  // loads the unwinder, which a handler must not
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(stack_dump_signal(), &action, nullptr);
}

}  // namespace

void install_stack_dump(process_title const& title) { install_handler(&title); }
void install_stack_dump() { install_handler(nullptr); }

void ask_for_stack(int thread) noexcept {
  auto const before = written.load();
  if (::syscall(SYS_tgkill, ::getpid(), thread, stack_dump_signal()) != 0) return;
  for (int ms = 0; ms < 200 && written.load() == before; ++ms) ::usleep(1000);
}

}  // namespace lovage::pool
