#include "web/dashboard.hpp"

#include "core/log.hpp"
#include "web/assets.hpp"
#include "web/openapi.hpp"
#include "web/server.hpp"
#include "web/site.hpp"
#include "web/views.hpp"

#include <lovage/json.hpp>

namespace lovage::web {
namespace {

// Scripts and styles of our own alone: what a task's arguments say can become neither.
constexpr char const* content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src "
    "'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

void add_security_headers(response& r, web_settings const& with) {
  r.headers.add("Content-Security-Policy", content_policy);
  r.headers.add("X-Content-Type-Options", "nosniff");
  r.headers.add("X-Frame-Options", "DENY");
  r.headers.add("Referrer-Policy", "no-referrer");
  r.headers.add("Cross-Origin-Opener-Policy", "same-origin");
  r.headers.add("Cross-Origin-Resource-Policy", "same-origin");
  r.headers.add("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  if (with.is_https()) r.headers.add("Strict-Transport-Security", "max-age=31536000");
  if (!r.headers.find("Cache-Control")) r.headers.add("Cache-Control", "no-store");
}

std::string outcome_of(response const& r) {
  if (r.status < 300) return "done";
  return std::to_string(r.status) + " " + r.body.substr(0, 400);
}

// "POST purge": by the word of the path that says what is done, not by what it is done to.
std::string action_of(route const& to, request const& r) {
  std::string_view rest{to.pattern};
  for (;;) {
    auto const slash = rest.rfind('/');
    auto const word = rest.substr(slash + 1);
    if (word == "{action}") return r.method + " " + std::string{r.parameters.get("action")};
    if (!word.starts_with('{') || slash == std::string_view::npos) return r.method + " " + std::string{word};
    rest = rest.substr(0, slash);
  }
}

// What was asked for, without what may be secret: the path, and the members that name things.
std::string target_of(request const& r) {
  auto out = r.path;
  auto const body = json_body(r);
  if (!body) return out;
  for (char const* key :
       {"user", "action", "name", "queue", "task", "n", "min", "max", "rate", "ids", "matching", "all"})
    if (auto const* v = find(*body, key)) out += std::string{" "} + key + "=" + to_json(*v).substr(0, 200);
  return out;
}

}  // namespace

class dashboard::impl {
 public:
  impl(app& on, web_settings with, monitor::monitor_settings watch)
      : with_{std::move(with)},
        eyes_{on, std::move(watch)},
        site_{on, eyes_, with_, on.state()->now},
        files_{with_.assets} {
    for (auto* const add :
         {add_session_routes, add_overview_routes, add_health_routes, add_worker_routes, add_task_routes,
          add_workflow_routes, add_task_action_routes, add_queue_routes, add_dead_routes, add_schedule_routes,
          add_flower_worker_routes, add_flower_task_routes, add_flower_send_routes})
      add(routes_, site_);
    routes_.add({.method = "GET",
                 .pattern = "/openapi.json",
                 .access = access::open,
                 .serve = [this](request const&) { return json_response(openapi_of(routes_.routes())); },
                 .summary = "This description",
                 .waits = false});
  }
  ~impl() { stop(); }

  // The port first: one that is taken is the likeliest fault, and then nothing else was touched.
  expected<void> start() {
    service const what{[this](request const& r) { return waits(r); },
                       [this](request r) { return answer(std::move(r)); }};
    auto made = server::listen(with_.host, with_.port, what);
    if (!made) return fail(made.error());
    if (auto ok = eyes_.start(); !ok) return ok;
    server_ = *std::move(made);
    counting_ = eyes_.subscribe([this](monitor::change const& c) { site_.counted.observe(c.tasks); });
    site_.stream.start();
    server_->start();
    return {};
  }
  // Streams first: they wake sockets.
  void stop() {
    site_.stream.stop();
    counting_.reset();
    if (server_) server_->stop();
    eyes_.stop();
  }
  [[nodiscard]] std::string url() const { return server_->url(); }
  [[nodiscard]] monitor::monitor& eyes() noexcept { return eyes_; }
  [[nodiscard]] std::span<route const> routes() const noexcept { return routes_.routes(); }

  response answer(request r) {
    auto out = respond(r);
    add_security_headers(out, with_);
    return out;
  }

 private:
  // A password or token is checked by a computation that takes its time.
  [[nodiscard]] bool waits(request const& r) const {
    auto const to = routes_.find(r.method, r.raw_path);
    return (to.to && to.to->waits) || r.headers.find("authorization");
  }

  response respond(request& r) {
    if (auto no = site_.door.check_host(r)) return *std::move(no);
    auto const to = routes_.find(r.method, r.raw_path);
    if (!to.to) return without_route(r, to.allowed);
    r.parameters = to.parameters;
    if (auto no = site_.door.identify(r)) return *std::move(no);
    if (auto no = site_.door.check_access(r, *to.to)) {
      if (to.to->audited) note(*to.to, r, *no);
      return *std::move(no);
    }
    auto out = called(*to.to, r);
    if (to.to->audited) note(*to.to, r, out);
    return out;
  }

  static response called(route const& to, request const& r) {
    try {
      return to.serve(r);
    } catch (error const& e) {
      // Flower's clients show the body as it is.
      return to.flower ? text_response(e.info().detail, status_of(e.code())) : error_response(e.info());
    }
  }

  response without_route(request const& r, std::string const& allowed) {
    if (!allowed.empty()) {
      auto out = error_response(405, "wrong_method", "this path takes " + allowed);
      out.headers.add("Allow", allowed);
      return out;
    }
    if (r.path.starts_with("/api/") || r.path == "/api")
      return error_response(404, "not_found", "there is no such path; see /openapi.json", r.path);
    if (!r.reads()) return error_response(405, "wrong_method", "this path takes GET");
    return files_.serve(r);
  }

  void note(route const& to, request const& r, response const& out) {
    auto const user = r.who.user.empty() ? "(" + r.peer + ")" : r.who.user;
    monitor::audit_entry entry{site_.now(), user, action_of(to, r), target_of(r), outcome_of(out)};
    log::info("web: " + entry.user + " " + entry.action + " " + entry.target + ": " + entry.outcome);
    if (auto kept = eyes_.kept().note(std::move(entry), site::soon()); !kept)
      log::warning("web: the audit log was not written: " + kept.error().text());
  }

  web_settings const with_;
  monitor::monitor eyes_;
  site site_;
  assets const files_;
  router routes_;
  std::shared_ptr<void> counting_;
  std::unique_ptr<server> server_;
};

dashboard::dashboard(app& on, web_settings with, monitor::monitor_settings watch)
    : impl_{std::make_unique<impl>(on, std::move(with), std::move(watch))} {}
dashboard::~dashboard() = default;
expected<void> dashboard::start() { return impl_->start(); }
void dashboard::stop() { impl_->stop(); }
std::string dashboard::url() const { return impl_->url(); }
monitor::monitor& dashboard::eyes() noexcept { return impl_->eyes(); }
response dashboard::answer(request r) { return impl_->answer(std::move(r)); }
std::span<route const> dashboard::routes() const noexcept { return impl_->routes(); }

}  // namespace lovage::web
