#include "pool/prefork/stack_dump.hpp"

#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

namespace lovage::pool {
namespace {

// A handler has no other way to know.
process_title const* shown_title = nullptr;
std::array<char, 1024> program_path{};

void write_text(std::string_view text) noexcept {
  [[maybe_unused]] auto const n = ::write(STDERR_FILENO, text.data(), text.size());
}

/// Only async-signal-safe calls; backtrace is once its library is loaded, which `install_stack_dump` sees to.
void on_signal(int) {
  int const saved = errno;
  std::array<char, 16> number{};
  auto const end = std::to_chars(number.data(), number.data() + number.size(), ::getpid()).ptr;
  write_text("lovage: stack of process ");
  write_text({number.data(), static_cast<std::size_t>(end - number.data())});
  write_text(" ");
  write_text(shown_title->shown());
  write_text(" of ");  // the frames name the title where they mean the program
  write_text(program_path.data());
  write_text("\n");
  std::array<void*, 64> frames{};
  int const depth = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  ::backtrace_symbols_fd(frames.data(), depth, STDERR_FILENO);
  write_text("lovage: end of stack\n");
  errno = saved;
}

}  // namespace

void install_stack_dump(process_title const& title) {
  shown_title = &title;
  [[maybe_unused]] auto const n = ::readlink("/proc/self/exe", program_path.data(), program_path.size() - 1);
  std::array<void*, 1> first{};
  ::backtrace(first.data(), 1);  // loads the unwinder, which a handler must not
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  ::sigaction(stack_dump_signal(), &action, nullptr);
}

}  // namespace lovage::pool
