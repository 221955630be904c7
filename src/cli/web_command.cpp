// lovage web: the dashboard.
#include "cli/commands.hpp"
#include "cli/daemon_options.hpp"
#include "cli/print.hpp"
#include "config/url.hpp"
#include "core/ids.hpp"
#include "web/crypto.hpp"
#include "web/dashboard.hpp"

#include <lovage/version.hpp>

#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

namespace lovage::cli {
namespace {

struct web_args {
  daemon_options daemon;
  std::string host, port, auth_file, history, assets, public_url;
  bool read_only = false, mask_arguments = false, anonymous = false;
  // Of passwd and token.
  std::string name, role = "operator", save;
};

void put_web_settings(web_args const& a, config& into) {
  auto const set = [&](char const* setting, std::string const& text) {
    if (!text.empty()) into.set(setting, text, "option");
  };
  set("web_host", a.host);
  set("web_port", a.port);
  set("web_auth_file", a.auth_file);
  set("web_history_path", a.history);
  set("web_public_url", a.public_url);
  if (a.read_only) into.set("web_read_only", true, "option");
  if (a.mask_arguments) into.set("web_mask_arguments", true, "option");
  if (a.anonymous) into.set("web_allow_anonymous", true, "option");
}

// As many connections as the system allows: each page holds one open.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

/// TERM and INT wait for `wait`, in all threads that are started after this.
class ending_signals {
 public:
  ending_signals() {
    ::sigemptyset(&set_);
    for (int const s : {SIGTERM, SIGINT, SIGQUIT}) ::sigaddset(&set_, s);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  void wait() const {
    int caught = 0;
    ::sigwait(&set_, &caught);
  }

 private:
  sigset_t set_{};
};

void print_web_banner(app const& on, web::dashboard const& d, web::web_settings const& with, std::string const& kept) {
  std::string ways;
  for (auto const& w : with.ways()) ways += (ways.empty() ? "" : ", ") + w;
  auto const text = "lovage web v" LOVAGE_VERSION " is ready.\n . address -> " + d.url() + "\n . broker  -> " +
                    mask_url(on.settings().broker_url()) + "\n . history -> " + kept + "\n . logins  -> " +
                    (ways.empty() ? std::string{"none needed"} : ways) + (with.read_only ? ", read-only" : "") + "\n";
  std::fputs(text.c_str(), stderr);
}

int run_web(session const& s, web_args const& a) {
  become(a.daemon.service);
  auto const node = "web@" + host_name();
  set_up_log(log_options_of(s, a.daemon, node));
  pid_file const mine{expand_file_name(a.daemon.service.pidfile, node)};
  auto settings = s.settings();
  for (auto const& assignment : s.tail) settings.set_option(assignment);
  put_web_settings(a, settings);
  raise_descriptor_limit();
  ending_signals const signals;
  auto on = s.open(std::move(settings));
  auto with = web::web_settings::of(on.settings()).value();
  with.assets = a.assets;
  auto watch = monitor::monitor_settings::of(on.settings()).value();
  auto const kept = watch.history_path;
  web::dashboard dashboard{on, with, std::move(watch)};
  dashboard.start().value();
  if (!s.given.quiet) print_web_banner(on, dashboard, with, kept);
  signals.wait();
  dashboard.stop();
  return exit_ok;
}

// From the terminal, unseen; else the first line of standard input.
std::string ask_password() {
  bool const person = ::isatty(STDIN_FILENO) != 0;
  termios before{};
  bool const hidden = person && ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (hidden) {
    auto silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    std::cerr << "Password: " << std::flush;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string out;
  std::getline(std::cin, out);
  if (hidden) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::cerr << "\n";
  }
  if (out.size() < 8) throw usage_error{"a password needs 8 characters at the least"};
  return out;
}

int keep_user(web_args const& a, std::string const& secret) {
  if (a.name.find(':') != std::string::npos) throw usage_error{"a name holds no colon"};
  web::user_line const line{a.name, web::role_of(a.role).value_or(web::role::viewer), secret};
  if (a.save.empty()) {
    print(line.name + ":" + to_string(line.role) + ":" + line.secret + "\n");
  } else {
    web::save_user(a.save, line).value();
    std::cerr << "'" << line.name << "' is in " << a.save << "; set web_auth_file to it\n";
  }
  return exit_ok;
}

int run_passwd(session const&, web_args const& a) { return keep_user(a, web::hash_password(ask_password())); }

int run_token(session const&, web_args const& a) {
  auto const token = web::random_text(32);
  auto const code = keep_user(a, web::hash_token(token));
  std::cerr << "The token, which is shown this once: " << token << "\n";
  return code;
}

constexpr char const* web_footer = R"(Examples:
  lovage web -b redis://localhost/0                 http://127.0.0.1:5555, for this machine alone
  lovage web passwd ann --save users                then: lovage web --auth-file users --host 0.0.0.0
  lovage web token ci --role viewer --save users    for scripts: curl -H "Authorization: Bearer ..."
  lovage web --read-only --mask-arguments           shows, does nothing, hides what tasks were called with
  lovage web --assets web/dist                      pages of a folder, while they are worked on

Workers tell what becomes of tasks when they run with -E (lovage's and Celery's). What stands behind "--" overrides
settings. TERM or INT (ctrl-C) ends it.
Exit codes: 0 stopped, 1 could not start, 2 wrong usage.)";

using web_run = int (*)(session const&, web_args const&);

void add_user_command(CLI::App& web, session& s, std::shared_ptr<web_args> const& a, char const* name, char const* text,
                      web_run run) {
  auto* c = web.add_subcommand(name, text);
  c->add_option("NAME", a->name, "Name of the user")->required()->type_name("");
  c->add_option("--role", a->role, "viewer or operator (the default)")
      ->type_name("ROLE")
      ->check(CLI::IsMember({"viewer", "operator"}).description(""));
  c->add_option("--save", a->save, "Put the line into this file instead of printing it")->type_name("FILE");
  c->callback([a, &s, run] { s.action = [a, &s, run] { return run(s, *a); }; });
}

void add_web_options(CLI::App& c, web_args& a) {
  c.add_option("--host", a.host, "Listen on this address (default: 127.0.0.1)")->type_name("ADDRESS");
  c.add_option("-p,--port", a.port, "Listen on this port (default: 5555); 0: any")->type_name("PORT");
  c.add_option("--auth-file", a.auth_file, "Users and tokens that may log in")->type_name("FILE");
  c.add_option("--public-url", a.public_url, "The address that browsers use, behind a proxy")->type_name("URL");
  c.add_option("--history", a.history, "Keep what tasks did in this file")->type_name("FILE");
  c.add_option("--assets", a.assets, "Serve the pages of this folder")->type_name("DIR");
  c.add_flag("--read-only", a.read_only, "Show, and do nothing");
  c.add_flag("--mask-arguments", a.mask_arguments, "Hide arguments and results of tasks");
  c.add_flag("--allow-anonymous", a.anonymous, "Listen beyond this machine although nobody has to log in");
}

}  // namespace

void add_web(CLI::App& root, session& s) {
  auto const a = std::make_shared<web_args>();
  auto* c = root.add_subcommand("web", "Serve the dashboard: workers, tasks, queues, in a browser");
  c->require_subcommand(0, 1);
  add_web_options(*c, *a);
  add_log_options(*c, a->daemon);
  add_service_options(*c, a->daemon.service);
  add_user_command(*c, s, a, "passwd", "Make a user: asks for the password, prints the line", run_passwd);
  add_user_command(*c, s, a, "token", "Make a token for scripts", run_token);
  c->footer(web_footer);
  c->callback([a, c, &s] {
    if (c->get_subcommands().empty()) s.action = [a, &s] { return run_web(s, *a); };
  });
}

}  // namespace lovage::cli
