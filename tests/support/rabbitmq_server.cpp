#include "rabbitmq_server.hpp"

#include "freeze.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace lovage::testing {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr char const* server_program = "/usr/lib/rabbitmq/bin/rabbitmq-server";
constexpr char const* cookie = "lovage";
constexpr int vhosts_at_once = 12;

std::filesystem::path make_directory() {
  auto pattern = (std::filesystem::temp_directory_path() / "lovage-rabbitmq-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
  return pattern;
}

/// Its output goes to `log`; it is killed when this program ends.
::pid_t spawn(std::vector<std::string> command, std::vector<std::string> const& environment, std::string const& log) {
  std::vector<char*> arguments;
  for (auto& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  auto const parent = ::getpid();
  auto const pid = ::fork();
  if (pid != 0) return pid;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  auto const out = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  for (auto const& setting : environment) {
    auto const equals = setting.find('=');
    ::setenv(setting.substr(0, equals).c_str(), setting.c_str() + equals + 1, 1);
  }
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

void end(::pid_t& pid) {
  if (pid <= 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  pid = -1;
}

std::string output_of(std::string const& command) {
  auto* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::string out;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  return ::pclose(pipe) == 0 ? out : std::string{};
}

std::string contents(std::string const& file) {
  std::ifstream in{file};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void put(std::string const& file, std::string const& text) { std::ofstream{file} << text; }

}  // namespace

rabbitmq_server::rabbitmq_server()
    : directory_{make_directory()},
      port_{free_port()},
      tls_port_{free_port()},
      dist_port_{free_port()},
      epmd_port_{free_port()},
      node_{"lovage" + std::to_string(port_) + "@localhost"} {
  put(file(".erlang.cookie"), cookie);
  ::chmod(file(".erlang.cookie").c_str(), 0400);
  make_certificates();
  write_config();
  spawn_epmd();
  start();
}

rabbitmq_server::~rabbitmq_server() {
  end(server_);
  end(epmd_);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::string rabbitmq_server::url(std::string const& vhost) const {
  return "amqp://guest:guest@127.0.0.1:" + std::to_string(port_) + "/" + vhost;
}

std::string rabbitmq_server::tls_url(std::string const& vhost) const {
  return "amqps://guest:guest@localhost:" + std::to_string(tls_port_) + "/" + vhost;
}

void rabbitmq_server::make_certificates() const {
  put(file("make-certificates"), R"(set -e
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -days 30 -subj '/CN=lovage test authority'
for name in server client; do
  openssl req -newkey rsa:2048 -nodes -keyout $name-key.pem -out $name.csr -subj /CN=$name
  echo 'subjectAltName=DNS:localhost' > $name.ext
  openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out $name.pem -days 30 -extfile $name.ext
done
chmod 644 *.pem
)");
  auto const command = "cd '" + directory_.string() + "' && sh ./make-certificates > certificates.log 2>&1";
  if (std::system(command.c_str()) != 0) throw std::runtime_error{"openssl: " + contents(file("certificates.log"))};
}

void rabbitmq_server::write_config() const {
  std::ostringstream conf;
  conf << "listeners.tcp.1 = 127.0.0.1:" << port_ << "\nlisteners.ssl.1 = 127.0.0.1:" << tls_port_
       << "\nssl_options.cacertfile = " << file("ca.pem") << "\nssl_options.certfile = " << file("server.pem")
       << "\nssl_options.keyfile = " << file("server-key.pem")
       << "\nssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false"
       << "\nlog.file.level = warning\ndisk_free_limit.absolute = 1MB\n";
  put(file("rabbitmq.conf"), conf.str());
  put(file("enabled_plugins"), "[].\n");
}

void rabbitmq_server::spawn_epmd() {
  epmd_ = spawn({"/usr/bin/epmd", "-port", std::to_string(epmd_port_), "-address", "127.0.0.1"}, {}, file("epmd.log"));
}

void rabbitmq_server::start() {
  std::vector<std::string> const environment{
      "HOME=" + directory_.string(),
      "ERL_EPMD_PORT=" + std::to_string(epmd_port_),
      "RABBITMQ_NODENAME=" + node_,
      "RABBITMQ_DIST_PORT=" + std::to_string(dist_port_),
      "RABBITMQ_NODE_PORT=" + std::to_string(port_),
      "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
      "RABBITMQ_CONFIG_FILE=" + file("rabbitmq.conf"),
      "RABBITMQ_ENABLED_PLUGINS_FILE=" + file("enabled_plugins"),
      "RABBITMQ_MNESIA_BASE=" + file("mnesia"),
      "RABBITMQ_LOG_BASE=" + file("log"),
      "RABBITMQ_PID_FILE=" + file("pid"),
      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
      "RUNNING_UNDER_SYSTEMD=1",  // the script becomes the server, so that its pid is the server's
  };
  server_ = spawn({server_program}, environment, file("out.log"));
  wait_until_up();
}

void rabbitmq_server::wait_until_up() {
  auto const until = steady::now() + 120s;
  while (steady::now() < until) {
    if (::waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      break;
    }
    if (eval("rabbit:is_running() andalso rabbit_networking:active_listeners() =/= []") == "true") return;
    std::this_thread::sleep_for(100ms);
  }
  throw std::runtime_error{"RabbitMQ did not start: " + contents(file("out.log"))};
}

std::string rabbitmq_server::eval(std::string const& expression) const {
  auto const script = file("eval-" + std::to_string(std::hash<std::thread::id>{}(std::this_thread::get_id())));
  put(script, expression + ".\n");
  auto const answer = output_of("HOME='" + directory_.string() + "' ERL_EPMD_PORT=" + std::to_string(epmd_port_) +
                                " erl_call -sname " + node_ + " -c " + cookie + " -e < '" + script + "' 2>/dev/null");
  // "{ok, value}"
  if (!answer.starts_with("{ok, ")) return answer;
  return answer.substr(5, answer.rfind('}') - 5);
}

std::string rabbitmq_server::fresh_vhost() {
  if (vhosts_.empty()) {
    auto const from = made_;
    made_ += vhosts_at_once;
    auto const done = eval(
        "lists:foreach(fun(N) -> V = iolist_to_binary([\"t\", integer_to_list(N)]), ok = rabbit_vhost:add(V, "
        "<<\"test\">>), "
        "ok = rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, V, <<\".*\">>, <<\".*\">>, <<\".*\">>, "
        "<<\"test\">>) end, lists:seq(" +
        std::to_string(from) + ", " + std::to_string(made_ - 1) + "))");
    if (done != "ok") throw std::runtime_error{"no virtual hosts: " + done};
    for (int n = made_ - 1; n >= from; --n) vhosts_.push_back("t" + std::to_string(n));
  }
  auto out = std::move(vhosts_.back());
  vhosts_.pop_back();
  return out;
}

void rabbitmq_server::pause() const { freeze(server_); }
void rabbitmq_server::resume() const { ::kill(server_, SIGCONT); }
void rabbitmq_server::kill() { end(server_); }

}  // namespace lovage::testing
