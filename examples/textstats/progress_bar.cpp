#include "progress_bar.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace textstats {

using namespace std::chrono_literals;

progress_bar::progress_bar(std::size_t total) : total_{total}, terminal_{::isatty(STDOUT_FILENO) != 0} {}

double progress_bar::seconds() const { return std::chrono::duration<double>(clock::now() - started_).count(); }

void progress_bar::show(std::size_t done, std::size_t failed) {
  auto const now = clock::now();
  if (now - std::max(shown_, started_) < (terminal_ ? 50ms : 1000ms)) return;
  shown_ = now;
  draw(done, failed);
}

void progress_bar::finish(std::size_t done, std::size_t failed) {
  draw(done, failed);
  if (terminal_) std::printf("\n");
}

void progress_bar::draw(std::size_t done, std::size_t failed) const {
  constexpr std::size_t width = 40;
  auto const filled = total_ == 0 ? width : done * width / total_;
  auto const bar = std::string(filled, '#') + std::string(width - filled, '.');
  auto const rate = static_cast<double>(done) / std::max(seconds(), 1e-3);
  std::printf("%s  [%s] %zu of %zu files, %zu failed, %.0f a second%s", terminal_ ? "\r" : "", bar.c_str(), done,
              total_, failed, rate, terminal_ ? " \033[K" : "\n");
  std::fflush(stdout);
}

}  // namespace textstats
