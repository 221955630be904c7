// libchaos_marks.so: a task that leaves exactly one trace per run.
#include "marks.hpp"

#include <lovage/plugin.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <system_error>
#include <thread>

static void append(std::string const& name, std::string const& file, int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds});
  auto const line = name + "\n";
  int const fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_CREAT, 0600);
  bool const ok = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  int const why = errno;
  if (fd >= 0) ::close(fd);
  if (!ok) throw std::system_error{why, std::generic_category(), file};
}

LOVAGE_PLUGIN(lib) { lib.define(chaos::mark, append); }
