#include "cli/reload.hpp"

#include "core/log.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace lovage::cli {
namespace {

std::vector<char*> pointers(std::vector<std::string> const& words) {
  std::vector<char*> out;
  for (auto const& w : words) out.push_back(const_cast<char*>(w.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

invocation::invocation() {
  std::error_code ignored;
  program_ = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  std::ifstream file{"/proc/self/cmdline", std::ios::binary};
  for (std::string word; std::getline(file, word, '\0');) words_.push_back(word);
}

bool invocation::would_load(std::vector<std::string> const& plugins) const {
  std::vector<std::string> words{program_, "tasks", "-q"};
  for (auto const& p : plugins) words.insert(words.end(), {"-A", p});
  ::posix_spawn_file_actions_t quiet;
  ::posix_spawn_file_actions_init(&quiet);
  ::posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::pid_t pid = 0;
  auto const failed = ::posix_spawn(&pid, program_.c_str(), &quiet, nullptr, pointers(words).data(), environ);
  ::posix_spawn_file_actions_destroy(&quiet);
  int status = 0;
  if (failed == 0) ::waitpid(pid, &status, 0);
  if (failed == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  log::error("not reloaded: " +
             (failed != 0 ? program_ + ": " + std::strerror(failed) : "the plug-ins on disk cannot be loaded") +
             "; the worker goes on as it is");
  return false;
}

void invocation::hold_signals() {
  ::sigset_t those;
  ::sigemptyset(&those);
  for (int const s : {SIGTERM, SIGHUP, SIGUSR1}) ::sigaddset(&those, s);
  ::pthread_sigmask(SIG_BLOCK, &those, nullptr);
}

// Already in the background, it does not go there again.
void invocation::again() const {
  auto words = words_;
  std::erase_if(words, [](std::string const& w) { return w == "-D" || w == "--detach"; });
  ::execv(program_.c_str(), pointers(words).data());
  log::critical("cannot start " + program_ + " anew: " + std::strerror(errno));
}

}  // namespace lovage::cli
