// libchaos_marks.so: tasks that leave exactly one trace per run.
#include "marks.hpp"

#include <lovage/plugin.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <system_error>
#include <thread>

using namespace std::chrono_literals;

static void append(std::string const& name, std::string const& file) {
  auto const line = name + "\n";
  int const fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_CREAT, 0600);
  bool const ok = fd >= 0 && ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  int const why = errno;
  if (fd >= 0) ::close(fd);
  if (!ok) throw std::system_error{why, std::generic_category(), file};
}

static bool made_now(std::string const& file) {
  int const fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

static void mark(std::string const& name, std::string const& file, int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds});
  append(name, file);
}

static void sending(lovage::context& self, std::string const& name, std::string const& file, int milliseconds) {
  auto const text = self.header("lovage_once");
  auto const* by = text.get_if<std::string>();
  mark(name + " " + (by ? *by : ""), file, milliseconds);
}

static int again(lovage::context& self, std::string const& name, std::string const& file, int times) {
  append(name, file);
  if (self.retries() < times) throw self.retry(300ms);
  return static_cast<int>(self.retries());
}

static void crash(std::string const& name, std::string const& file, bool always) {
  append(name, file);
  if (always || made_now(file + "." + name)) ::raise(SIGKILL);
}

static void refuse(std::string const& name, std::string const& file) {
  append(name, file);
  throw lovage::reject{"not wanted", false};
}

LOVAGE_PLUGIN(lib) {
  lib.define(chaos::mark, mark);
  lib.define(chaos::sending, sending);
  lib.define(chaos::again, again, lovage::limits{}.max_retries(100));
  lib.define(chaos::crash, crash);
  lib.define(chaos::refuse, refuse);
}
