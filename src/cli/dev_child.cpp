#include "cli/dev_child.hpp"

#include "cli/session.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace lovage::cli {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> whole_environment() {
  std::vector<std::string> out;
  for (char** at = environ; *at != nullptr; ++at) out.emplace_back(*at);
  return out;
}

}  // namespace

dev_child::~dev_child() {
  if (!process_.running()) return;
  signal_group(SIGTERM);
  if (process_.wait(deadline::in(1s))) return;
  signal_group(SIGKILL);
  (void)process_.wait(deadline::never());
}

void dev_child::signal_group(int number) noexcept {
  if (!running()) return;
  if (::kill(-pid(), number) != 0) signal(number);  // it has not come so far as to lead one
}

expected<void> dev_child::start(std::vector<std::string> words, std::function<void(io::ending)> ended) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    return fail(errc::internal, std::string{"cannot make a pipe: "} + std::strerror(errno));
  io::descriptor into{ends[1]};
  said_.reset(ends[0]);
  (void)::fcntl(ends[1], F_SETFL, 0);  // whoever writes there expects to wait
  io::program what{.file = "/proc/self/exe",
                   .argv = {"lovage", "dev", "--become", std::to_string(::getpid()), "--"},
                   .env = whole_environment(),
                   .descriptors = {{into.get(), 3}}};
  what.argv.insert(what.argv.end(), words.begin(), words.end());
  auto made = io::spawn(what);
  if (!made) return fail(made.error());
  process_ = *std::move(made);
  ended_ = std::move(ended);
  hears_ = loop_.watch(said_.get(), io::interest::readable, [this] { hear(); });
  watches_ = loop_.watch(process_.descriptor_of_end(), io::interest::readable, [this] { end(); });
  return {};
}

void dev_child::hear() {
  std::array<char, 16'384> room;
  for (;;) {
    auto const n = ::read(said_.get(), room.data(), room.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) hears_.cancel();
    if (n <= 0) return;
    if (auto const text = lines_.add({room.data(), static_cast<std::size_t>(n)}); !text.empty()) out_(text);
  }
}

// What it started may hold the pipe longer than it lives: what there is now is read, and no more.
void dev_child::end() {
  hear();
  hears_.cancel();
  watches_.cancel();
  if (auto const text = lines_.rest(); !text.empty()) out_(text);
  auto const how = process_.wait(deadline::never());
  auto const tell = std::move(ended_);
  tell(how.value_or(io::ending{}));
}

int become_dev_child(int parent, std::vector<std::string> const& words) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) return exit_failed;  // it died meanwhile
  (void)::setpgid(0, 0);
  int const nothing = ::open("/dev/null", O_RDWR);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(3, STDOUT_FILENO) < 0 || ::dup2(3, STDERR_FILENO) < 0)
    return exit_failed;
  for (int const fd : {3, nothing})
    if (fd > STDERR_FILENO) ::close(fd);
  std::vector<char*> argv;
  for (auto const& w : words) argv.push_back(const_cast<char*>(w.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv.front(), argv.data());
  std::fprintf(stderr, "cannot start %s: %s\n", argv.front(), std::strerror(errno));
  return exit_failed;
}

}  // namespace lovage::cli
