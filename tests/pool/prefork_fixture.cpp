#include "prefork_fixture.hpp"

#include "core/log.hpp"
#include "pool/prefork.hpp"
#include "pool/prefork/frame.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace lovage::pool {
namespace {

namespace fs = std::filesystem;

std::string argument(std::string_view payload) {
  auto const at = payload.find(' ');
  return std::string{at == payload.npos ? std::string_view{} : payload.substr(at + 1)};
}

/// The child's stream socket: the only socket a child has.
int channel_descriptor() {
  for (int fd = 3; fd < 64; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM) return fd;
  }
  return -1;
}

std::string die(std::string_view how) {
  rlimit const none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  for (int const number : {SIGABRT, SIGSEGV}) ::signal(number, SIG_DFL);  // sanitizers have handlers
  if (how.starts_with("exit")) std::_Exit(std::atoi(argument(how).c_str()));
  if (how == "abort") std::abort();
  ::raise(how == "segv" ? SIGSEGV : SIGKILL);
  return {};
}

std::string descriptors_of_subprocess() {
  auto* const pipe = ::popen("env | grep LOVAGE_; ls /proc/self/fd | head -n -1 | tr '\\n' ' '", "r");
  std::string text(1024, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), pipe));
  ::pclose(pipe);
  return text;
}

std::string wait_for_stop(job_channel& channel, bool spin) {
  if (!spin) channel.send("here");
  while (spin || !channel.stop_requested()) std::this_thread::yield();
  return "stopped";
}

std::string misuse(std::string_view how) {
  int const fd = channel_descriptor();
  if (how == "close") ::close(fd);
  std::string const text(64, '#');
  if (how == "garbage") [[maybe_unused]]
    auto const n = ::write(fd, text.data(), text.size());
  while (true) ::pause();
}

/// Writes the frame of its end itself, to be dead surely before the worker reads it.
std::string die_after_result(std::string const& id) {
  frame_head head;
  head.kind = frame_kind::finished;
  head.id = std::strtoull(id.c_str(), nullptr, 10);
  frame_writer::write_all(channel_descriptor(), head, "done");
  return die("kill");
}

}  // namespace

std::string run_command(std::string_view payload, job_channel& channel) {
  auto const word = payload.substr(0, payload.find(' '));
  channel.show(word.substr(0, 20));
  if (word == "echo") return argument(payload);
  if (word == "count") {
    for (int i = 0, n = std::atoi(argument(payload).c_str()); i < n; ++i) channel.send(std::to_string(i));
    return {};
  }
  if (word == "wait" || word == "spin") return wait_for_stop(channel, word == "spin");
  if (word == "asked?") return channel.stop_requested() ? "yes" : "no";
  if (word == "exit" || word == "abort" || word == "segv" || word == "kill") return die(payload);
  if (word == "close" || word == "garbage") return misuse(word);
  if (word == "throw") throw std::runtime_error{"oops"};
  if (word == "die-after") return die_after_result(argument(payload));
  if (word == "keep") {
    static std::string kept;
    kept.assign(std::strtoull(argument(payload).c_str(), nullptr, 10) << 20, 'x');
    return {};
  }
  if (word == "env") return descriptors_of_subprocess();
  if (word == "stdin") return std::getchar() == EOF ? "end of file" : "something";
  if (word == "print") {
    std::printf("(a job prints)\n");
    std::cout << "(and again)" << std::endl;
    return "printed";
  }
  if (word.starts_with("twice")) {
    channel.send(payload);
    return std::string{payload};
  }
  return "what?";
}

std::vector<int> family_of(int pid) {
  std::vector<int> out{pid};
  for (std::size_t i = 0; i < out.size(); ++i) {
    for (auto const& entry : fs::directory_iterator{"/proc"}) {
      if (!std::isdigit(entry.path().filename().c_str()[0])) continue;
      std::ifstream file{entry.path() / "stat"};
      std::string line;
      std::getline(file, line);
      auto const after_name = line.rfind(')');
      if (after_name == line.npos) continue;
      std::istringstream rest{line.substr(after_name + 1)};
      char state = 0;
      int parent = 0;
      if (rest >> state >> parent && parent == out[i]) out.push_back(std::atoi(entry.path().filename().c_str()));
    }
  }
  out.erase(out.begin());
  return out;
}

/// A zombie that init has not reaped yet is not alive.
bool alive(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string line;
  std::getline(file, line);
  auto const after_name = line.rfind(')');
  return after_name != line.npos && line[after_name + 2] != 'Z' && line[after_name + 2] != 'X';
}

std::set<std::string> open_descriptors() {
  std::set<std::string> out;
  auto* const dir = ::opendir("/proc/self/fd");
  while (auto const* entry = ::readdir(dir)) {
    if (std::atoi(entry->d_name) != ::dirfd(dir)) out.insert(entry->d_name);
  }
  ::closedir(dir);
  return out;
}

std::size_t private_kib(int pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
  std::size_t sum = 0, n = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Private_") && std::sscanf(line.c_str(), "%*s %zu", &n) == 1) sum += n;
  }
  return sum;
}

role_process::role_process(std::string const& role, std::string const& file) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  out.reset(fds[0]);
  io::descriptor const in{fds[1]};
  std::vector<std::string> env{"POOL_TEST_ROLE=" + role};
  for (char** e = environ; *e != nullptr; ++e) env.emplace_back(*e);
  process = io::spawn({.file = file, .argv = {file}, .env = env, .descriptors = {{in.get(), 3}}}).value();
}

std::string role_process::read_line() {
  std::string line;
  for (char c = 0; ::read(out.get(), &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

std::string role_process::read_all() {
  std::string all;
  for (char c = 0; ::read(out.get(), &c, 1) == 1;) all += c;
  return all;
}

role_result run_role(std::string const& role) {
  if (role != "deleted") {
    role_process p{role};
    role_result r{p.read_all()};
    EXPECT_TRUE(p.process.wait(20s));
    return r;
  }
  auto const copy = fs::temp_directory_path() / ("prefork-test-" + std::to_string(::getpid()));
  fs::copy_file("/proc/self/exe", copy);
  role_process p{role, copy};
  role_result r{p.read_all()};
  EXPECT_TRUE(p.process.wait(20s));
  fs::remove(copy);
  return r;
}

namespace {

/// Roles speak through descriptor 3, which the fork server must not inherit.
void say(std::string text) {
  text += '\n';
  [[maybe_unused]] auto const n = ::write(3, text.data(), text.size());
}

int play_deleted(prefork& f) {
  fs::remove(fs::read_symlink("/proc/self/exe"));
  f.submit("echo first");
  say(f.ended().payload);
  f.submit("wait");
  f.log.wait_for(event_kind::message);
  ::kill(family_of(::getpid()).front(), SIGKILL);  // the server, so that the program is started once more
  f.log.wait_for(event_kind::lost);
  f.submit("echo second");
  f.log.wait_for(event_kind::finished, 2);
  say(f.log.nth(event_kind::finished, 1).payload);
  return 0;
}

int play_hang() {
  prefork f{2};
  f.submit("wait");
  f.submit("spin");
  f.log.wait_for(event_kind::started, 2);
  std::string pids;
  for (int const pid : family_of(::getpid())) pids += std::to_string(pid) + " ";
  say(pids);
  while (true) ::pause();
}

}  // namespace

int play(std::string const& role) {
  log::set_sink({}, log::level::critical);
  if (role == "no-server" && is_fork_server()) return 4;
  if (role == "threads" && is_fork_server()) std::thread{[] { ::pause(); }}.detach();
  if (is_fork_server()) serve_forks(run_command);
  if (role == "hang") return play_hang();
  if (role == "deleted") {
    prefork f{1};
    return play_deleted(f);
  }
  auto p = make_prefork();
  auto const ok = p->start({.concurrency = 1, .run = run_command, .on_events = {}});
  say(ok ? "started" : ok.error().text());
  return 0;
}

}  // namespace lovage::pool
