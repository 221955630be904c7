// A program run by a test: its input and output line by line, its end by signal or in order.
#pragma once

#include "freeze.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace lovage::testing {

/// Started by the constructor, killed and waited for by the destructor.
class child {
 public:
  explicit child(std::vector<std::string> command) {
    int out[2], in[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(in, O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = in[1];
    out_ = ::fdopen(out[0], "r");
  }
  ~child() {
    if (pid_ > 0) {
      signal(SIGKILL);
      wait();
    }
    if (out_) std::fclose(out_);
    ::close(in_);
  }
  child(child const&) = delete;
  child& operator=(child const&) = delete;

  [[nodiscard]] ::pid_t pid() const noexcept { return pid_; }
  void signal(int number) const { ::kill(pid_, number); }
  /// Silent when this returns, until SIGCONT.
  void freeze() const { testing::freeze(pid_); }
  /// One line of input.
  void tell(std::string const& line) const {
    auto const text = line + "\n";
    if (::write(in_, text.data(), text.size()) != static_cast<::ssize_t>(text.size()))
      throw std::runtime_error{"the child does not listen"};
  }
  /// Next line of its output, without the end of line; empty at the end.
  [[nodiscard]] std::string line() {
    std::string out;
    for (int c = 0; (c = std::fgetc(out_)) != EOF && c != '\n';) out += static_cast<char>(c);
    return out;
  }
  /// Exit status as of waitpid.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  ::pid_t pid_ = -1;
  int in_ = -1;
  std::FILE* out_ = nullptr;
};

}  // namespace lovage::testing
