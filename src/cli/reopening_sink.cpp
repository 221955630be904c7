#include "cli/reopening_sink.hpp"

#include <lovage/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lovage::cli {

reopening_sink::reopening_sink(std::string path) : path_{std::move(path)} {
  if (!open()) throw error{errc::invalid_argument, "cannot open the log file '" + path_ + "': " + std::strerror(errno)};
}

reopening_sink::~reopening_sink() {
  if (fd_ >= 0) ::close(fd_);
}

bool reopening_sink::open() {
  int const fd = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  struct ::stat facts {};
  if (::fstat(fd_, &facts) == 0) {
    device_ = facts.st_dev;
    inode_ = facts.st_ino;
  }
  return true;
}

bool reopening_sink::moved() const {
  struct ::stat facts {};
  return ::stat(path_.c_str(), &facts) != 0 || facts.st_ino != inode_ || facts.st_dev != device_;
}

void reopening_sink::sink_it_(spdlog::details::log_msg const& msg) {
  if (moved()) open();  // when that fails, the old file still takes the line
  spdlog::memory_buf_t line;
  formatter_->format(msg, line);
  char const* at = line.data();
  for (auto left = line.size(); left > 0;) {
    auto const n = ::write(fd_, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a full disk does not stop the worker
    at += n;
    left -= static_cast<std::size_t>(n);
  }
}

}  // namespace lovage::cli
