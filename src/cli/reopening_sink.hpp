// A log file that may be moved away (logrotate) and that several processes append to.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <string>

#include <spdlog/sinks/base_sink.h>

namespace lovage::cli {

/// Each line is one `write` to a descriptor in append mode: lines of several processes do not mix.
class reopening_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// Throws `error` when the file cannot be opened.
  explicit reopening_sink(std::string path);
  ~reopening_sink() override;

 private:
  void sink_it_(spdlog::details::log_msg const& msg) override;
  void flush_() override {}
  bool open();
  [[nodiscard]] bool moved() const;

  std::string const path_;
  int fd_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace lovage::cli
