#include "store/session_file.hpp"

#include "store/database.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace lovage::store {
namespace {

constexpr std::size_t board_bytes = session_file::slots * sizeof(std::uint64_t);

struct ::flock whole_file(short type) {
  struct ::flock l {};
  l.l_type = type;
  l.l_whence = SEEK_SET;
  return l;
}

// A child forked without exec shares the lock and would keep its dead parent alive in everybody's eyes: children close
// these. (The mapping would hold the lock as well; it is not inherited, see MADV_DONTFORK.)
struct held_files {
  std::array<std::atomic<int>, 256> fds;
  held_files() {
    for (auto& fd : fds) fd = -1;
    ::pthread_atfork(nullptr, nullptr, [] { the().close_in_child(); });
  }
  static held_files& the() {
    static held_files h;
    return h;
  }
  void replace(int from, int to) noexcept {
    for (auto& fd : fds)
      if (int expected = from; fd.compare_exchange_strong(expected, to)) return;
  }
  void close_in_child() noexcept {
    for (auto& fd : fds)
      if (int const f = fd.exchange(-1); f >= 0) ::close(f);
  }
};

}  // namespace

session_file::session_file(std::string path, ::mode_t mode) : path_{std::move(path)} {
  auto const refuse = [&](char const* what) {
    int const code = errno;
    auto const why = std::string{what} + ": " + std::strerror(code);
    if (fd_ >= 0) ::close(fd_), ::unlink(path_.c_str());
    throw sql_failure{{code == ENOSPC ? errc::no_space : errc::unavailable, why, path_}};
  };
  ::unlink(path_.c_str());  // ids are given once: what is there is left over from a store that was deleted
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd_ < 0) refuse("cannot create the session's file");
  (void)::fchmod(fd_, mode);  // whatever the umask: who may write the store must see this
  auto lock = whole_file(F_WRLCK);
  bool const locked = ::fcntl(fd_, F_OFD_SETLK, &lock) == 0;
  if (!locked && errno != EINVAL && errno != ENOLCK) refuse("cannot lock the session's file");
  // Blocks now: a page that finds no room when it is written first would be a SIGBUS.
  if (int const code = ::posix_fallocate(fd_, 0, board_bytes); code != 0) {
    errno = code;
    refuse("cannot make room for the session's file");
  }
  void* at = ::mmap(nullptr, board_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (at == MAP_FAILED) refuse("cannot map the session's file");
  ::madvise(at, board_bytes, MADV_DONTFORK);
  board_ = static_cast<std::uint64_t*>(at);
  if (!locked) ::unlink(path_.c_str());  // others must not see it unlocked; without a file the lease decides
  owner_ = ::getpid();
  held_files::the().replace(-1, fd_);
  for (std::size_t i = slots; i > 0; --i) free_.push_back(i - 1);
}

session_file::~session_file() {
  if (::getpid() != owner_) return;  // a forked child has neither
  ::munmap(board_, board_bytes);
  held_files::the().replace(fd_, -1);
  ::close(fd_);
}

void session_file::started(std::uint64_t tag) {
  std::lock_guard const lock{mutex_};
  if (free_.empty() || slot_of_.contains(tag)) return;
  auto const slot = free_.back();
  free_.pop_back();
  slot_of_.emplace(tag, slot);
  std::atomic_ref{board_[slot]}.store(tag);
}

void session_file::ended(std::uint64_t tag) {
  std::lock_guard const lock{mutex_};
  auto const at = slot_of_.find(tag);
  if (at == slot_of_.end()) return;
  std::atomic_ref{board_[at->second]}.store(0);
  free_.push_back(at->second);
  slot_of_.erase(at);
}

void session_file::remove() noexcept { ::unlink(path_.c_str()); }

session_file::life session_file::look(std::string const& path) noexcept {
  int const fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return life::unknown;
  auto lock = whole_file(F_WRLCK);
  auto const code = ::fcntl(fd, F_OFD_GETLK, &lock);
  ::close(fd);
  if (code != 0) return life::unknown;
  return lock.l_type == F_UNLCK ? life::dead : life::alive;
}

std::vector<std::uint64_t> session_file::board(std::string const& path) {
  std::vector<std::uint64_t> out(slots);
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  auto const n = ::read(fd, out.data(), board_bytes);
  ::close(fd);
  out.resize(n > 0 ? static_cast<std::size_t>(n) / sizeof(std::uint64_t) : 0);
  std::erase(out, 0U);
  return out;
}

}  // namespace lovage::store
