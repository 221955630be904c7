#include "core/ids.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace lovage {
namespace {

// getrandom() costs a system call; 32 ids are taken from one. The pool belongs to a thread and is thrown away when the
// process forks (another pid), so that parent and child never hand out the same id.
struct id_pool {
  std::array<std::array<std::uint8_t, 16>, 32> ids;
  std::size_t used = 32;
  ::pid_t owner = 0;

  void refill() {
    auto* to = reinterpret_cast<char*>(ids.data());
    std::size_t have = 0;
    while (have < sizeof ids) {
      auto const n = ::getrandom(to + have, sizeof ids - have, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw std::runtime_error{std::string{"getrandom: "} + std::strerror(errno)};
      have += static_cast<std::size_t>(n);
    }
    used = 0;
    owner = ::getpid();
  }
};

}  // namespace

uuid random_uuid() {
  thread_local id_pool pool;
  if (pool.used == pool.ids.size() || pool.owner != ::getpid()) pool.refill();
  uuid u{pool.ids[pool.used++]};
  u.octets[6] = static_cast<std::uint8_t>((u.octets[6] & 0x0f) | 0x40);
  u.octets[8] = static_cast<std::uint8_t>((u.octets[8] & 0x3f) | 0x80);
  return u;
}

task_id new_task_id() { return task_id{random_uuid().str()}; }

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

std::string anonymous_name() { return "gen" + std::to_string(::getpid()) + "@" + host_name(); }

}  // namespace lovage
