// A worker as a service: in the background, with a pid file, as another user.
#pragma once

#include <string>
#include <string_view>

namespace lovage::cli {

struct service_options {
  bool detach = false;
  std::string pidfile, workdir, user, group, umask;
};

/// "%n.pid" of node "w1@host" is "w1.pid": `%n` the name before the @, `%h` the host, `%d` its domain, `%p` the whole
/// node name, `%i` and `%I` nothing (Celery's process index: children log into the same file).
[[nodiscard]] std::string expand_file_name(std::string_view pattern, std::string_view node);

/// Changes directory, umask, group and user, and goes to the background, as asked; comes before threads and sockets.
/// Throws `error{bad_config}` naming what cannot be. The starting process ends with code 0 once the new one is on its
/// way.
void become(service_options const& with);

/// While it lives the file holds this process's id. *Requires*: after `become`.
class pid_file {
 public:
  /// Empty: no file. Throws `error{bad_config}` when another living process has it or it cannot be written; that of a
  /// dead one is taken over.
  explicit pid_file(std::string path);
  ~pid_file();
  pid_file(pid_file const&) = delete;
  pid_file& operator=(pid_file const&) = delete;

 private:
  std::string const path_;
};

/// The process whose id is in the file and which lives; 0: none.
[[nodiscard]] int living_process(std::string const& path);

}  // namespace lovage::cli
