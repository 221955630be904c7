#include "cli/top_screen.hpp"

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>

namespace lovage::cli {
namespace {

constexpr std::string_view enter_text = "\x1b[?1049h\x1b[?25l\x1b[2J";
constexpr std::string_view leave_text = "\x1b[0m\x1b[?25h\x1b[?1049l";
constexpr std::array crashes{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

::termios before{};  // of standard input; plain data, for the handler
std::atomic<bool> entered{false}, has_keys{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void write_all(std::string_view text) noexcept {
  while (!text.empty()) {
    auto const n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // the terminal is gone
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

// Async-signal-safe: write(2) and tcsetattr(3).
void give_back() noexcept {
  if (!entered.exchange(false)) return;
  write_all(leave_text);
  if (has_keys) ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void on_crash(int number) {
  give_back();
  ::raise(number);  // blocked until this returns, and its default by then
}

}  // namespace

top_screen::top_screen() {
  has_keys = ::isatty(STDIN_FILENO) != 0 && ::tcgetattr(STDIN_FILENO, &before) == 0;
  for (int const s : crashes) {
    struct ::sigaction how {};
    how.sa_handler = on_crash;
    how.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(s, &how, nullptr);
  }
  enter();
}

top_screen::~top_screen() {
  leave();
  for (int const s : crashes) std::signal(s, SIG_DFL);
}

void top_screen::enter() {
  if (has_keys) {
    auto raw = before;
    raw.c_lflag &= ~static_cast<::tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  entered = true;
  write_all(enter_text);
}

void top_screen::leave() noexcept { give_back(); }

top_screen::size top_screen::measure() {
  ::winsize w{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0) return {};
  return {w.ws_col, w.ws_row};
}

// In one piece between the marks of a synchronised update: terminals that know them show it at once, others pass them
// over.
void top_screen::show(std::vector<std::string> const& lines, bool anew) {
  if (anew) shown_.clear();
  std::string out = "\x1b[?2026h";
  if (anew) out += "\x1b[2J";
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (i >= shown_.size() || shown_[i] != lines[i])
      out += "\x1b[" + std::to_string(i + 1) + ";1H" + lines[i] + "\x1b[K";
  if (lines.size() < shown_.size()) out += "\x1b[" + std::to_string(lines.size() + 1) + ";1H\x1b[J";
  shown_ = lines;
  write_all(out + "\x1b[?2026l");
}

void top_screen::suspend() {
  leave();
  ::raise(SIGSTOP);
  enter();
  shown_.clear();
}

}  // namespace lovage::cli
