// A consumer's sign of life, and the board of what it runs.
//
// The file is held with an exclusive lock of its open file description. The kernel drops that lock when the process
// dies, however it dies, and never before: a free lock means dead, a held one alive, whatever the clock says. The
// file's content is a mapped list of the message ids that have begun to run, which outlives a kill -9: whoever inherits
// the session's messages knows which of them were running.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::store {

class session_file {
 public:
  static constexpr std::size_t slots = 4096;  ///< running at once; beyond, an attempt is not counted

  /// Creates and locks, replacing what is there. Throws `sql_failure`.
  session_file(std::string path, ::mode_t mode);
  ~session_file();
  session_file(session_file const&) = delete;
  session_file& operator=(session_file const&) = delete;

  /// *Threads*: any.
  void started(std::uint64_t tag);
  void ended(std::uint64_t tag);
  /// Removes the file: the session ends in order.
  void remove() noexcept;

  enum class life { alive, dead, unknown };
  /// Of another session. Unknown: no such file, or a file system without such locks.
  [[nodiscard]] static life look(std::string const& path) noexcept;
  /// What was running; empty when the file cannot be read.
  [[nodiscard]] static std::vector<std::uint64_t> board(std::string const& path);

 private:
  std::string path_;
  int fd_ = -1;
  ::pid_t owner_ = 0;
  std::uint64_t* board_ = nullptr;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::size_t> slot_of_;
  std::vector<std::size_t> free_;
};

}  // namespace lovage::store
