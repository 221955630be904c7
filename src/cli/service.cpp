#include "cli/service.hpp"

#include "worker/node_name.hpp"

#include <lovage/error.hpp>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>

namespace lovage::cli {
namespace {

[[noreturn]] void refuse(std::string const& what) { throw error{errc::bad_config, what + ": " + std::strerror(errno)}; }

template <class Number>
bool read_number(std::string_view text, Number& out, int base = 10) {
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return fault == std::errc{} && end == text.data() + text.size();
}

::gid_t group_id(std::string const& name) {
  ::gid_t id = 0;
  if (read_number(name, id)) return id;
  if (auto const* found = ::getgrnam(name.c_str())) return found->gr_gid;
  throw error{errc::bad_config, "--gid: there is no group '" + name + "'"};
}

void become_user(std::string const& name, std::string const& group) {
  ::uid_t id = 0;
  auto const* found = read_number(name, id) ? ::getpwuid(id) : ::getpwnam(name.c_str());
  if (found == nullptr) throw error{errc::bad_config, "--uid: there is no user '" + name + "'"};
  id = found->pw_uid;
  if (group.empty() && ::setgid(found->pw_gid) != 0) refuse("--uid: cannot become the group of '" + name + "'");
  if (::geteuid() == 0 && ::initgroups(found->pw_name, ::getgid()) != 0) refuse("--uid: cannot take its groups");
  if (::setuid(id) != 0) refuse("--uid: cannot become '" + name + "'");
}

void go_to_background() {
  auto const child = ::fork();
  if (child < 0) refuse("--detach: cannot start a process");
  if (child > 0) ::_exit(0);
  (void)::setsid();
  auto const nothing = ::open("/dev/null", O_RDWR);
  if (nothing < 0) refuse("--detach: cannot open /dev/null");
  for (int const standard : {0, 1, 2}) ::dup2(nothing, standard);
  if (nothing > 2) ::close(nothing);
}

}  // namespace

std::string expand_file_name(std::string_view pattern, std::string_view node) {
  auto const at = std::min(node.find('@'), node.size());
  auto const host = at < node.size() ? node.substr(at + 1) : std::string_view{};
  auto const dot = std::min(host.find('.'), host.size());
  return work::fill_in(pattern, [&](char letter) -> std::optional<std::string_view> {
    switch (letter) {
      case 'n': return node.substr(0, at);
      case 'h': return host;
      case 'd': return dot < host.size() ? host.substr(dot + 1) : std::string_view{};
      case 'p': return node;
      case 'i':
      case 'I': return std::string_view{};
      default: return std::nullopt;
    }
  });
}

void become(service_options const& with) {
  if (!with.workdir.empty() && ::chdir(with.workdir.c_str()) != 0) refuse("--workdir " + with.workdir);
  if (!with.umask.empty()) {
    unsigned mask = 0;
    if (!read_number(with.umask, mask, 8) || mask > 0777)
      throw error{errc::bad_config, "--umask " + with.umask + " is not an octal number such as 022"};
    ::umask(static_cast<::mode_t>(mask));
  }
  if (!with.group.empty() && ::setgid(group_id(with.group)) != 0) refuse("--gid: cannot become '" + with.group + "'");
  if (!with.user.empty()) become_user(with.user, with.group);
  if (with.detach) go_to_background();
}

int living_process(std::string const& path) {
  std::ifstream in{path};
  int pid = 0;
  if (!(in >> pid) || pid <= 0) return 0;
  return ::kill(pid, 0) == 0 || errno == EPERM ? pid : 0;
}

pid_file::pid_file(std::string path) : path_{std::move(path)} {
  if (path_.empty()) return;
  if (auto const pid = living_process(path_); pid != 0 && pid != ::getpid())
    throw error{errc::bad_config, "the pid file " + path_ + " belongs to a living process (" + std::to_string(pid) +
                                      "); is this worker running already?"};
  std::ofstream out{path_, std::ios::trunc};
  if (!(out << ::getpid() << '\n' << std::flush)) refuse("cannot write the pid file " + path_);
}

pid_file::~pid_file() {
  if (!path_.empty() && living_process(path_) == ::getpid()) ::unlink(path_.c_str());
}

}  // namespace lovage::cli
