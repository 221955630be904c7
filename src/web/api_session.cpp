// /api/v1/session, logging in and out.
#include "config/url.hpp"
#include "web/site.hpp"
#include "web/views.hpp"

#include <lovage/version.hpp>

namespace lovage::web {
namespace {

value abilities_value(site& s) {
  auto const able = s.abilities();
  if (!able) return value::map{};  // not known: an action's own error will tell
  return value::map{{"pause", able->pauses},
                    {"dead_set", able->dead_set},
                    {"delayed", able->counts_delayed},
                    {"purge", true},
                    {"schedule", true},
                    {"events", able->inboxes},
                    {"claimed", able->counts_claimed},
                    {"revocations", able->revocations}};
}

value::map session_map(site& s, request const& r) {
  bool const in = r.who.role != role::none;
  value::map out{{"user", text_value(r.who.user)},
                 {"role", in ? value{to_string(r.who.role)} : value{}},
                 {"read_only", s.with.read_only},
                 {"auth", names_value(s.with.ways())}};
  if (!in) return out;  // nothing more for strangers
  auto const& c = s.on.settings();
  for (auto& each : value::map{{"csrf", s.door.csrf_token(r)},
                               {"masked", s.with.mask_arguments},
                               {"version", LOVAGE_VERSION},
                               {"broker", mask_url(c.broker_url())},
                               {"backend", text_value(mask_url(c.result_backend()))},
                               {"can", abilities_value(s)},
                               {"timezone", c.timezone()}})
    out.push_back(std::move(each));
  return out;
}

response show_session(site& s, request const& r) {
  return json_response(session_map(s, r), r.who.role == role::none ? 401 : 200);
}

response begin_session(site& s, request const& r) {
  auto out = s.door.log_in(r);
  if (out.status != 200) return out;
  // The body is that of the new session, whose cookie the next request will bear.
  auto const& header = *out.headers.find("Set-Cookie");
  auto const from = header.find('=') + 1;
  auto again = r;
  if (auto who = s.door.sessions().find(header.substr(from, header.find(';') - from))) again.who = *std::move(who);
  out.body = json_response(session_map(s, again)).body;
  return out;
}

std::string way_back(site const& s) { return s.with.public_url + "/login/oidc/callback"; }

// A person gets the page to log in, which says it in words of its own; the text is for the audit log and for scripts.
response without_login(request const& r, response refusal, char const* why) {
  if (r.headers.get("accept").find("text/html") == std::string::npos) return refusal;
  auto out = redirect_to(std::string{"/login?failed="} + why);
  out.body = std::move(refusal.body);
  return out;
}

response begin_oidc(site& s, oidc& provider, request const& r) {
  auto const begun = provider.begin(way_back(s), r.query.get("next"));
  if (!begun) return without_login(r, error_response(begun.error()), "provider");
  auto out = redirect_to(begun->url);
  out.headers.add("Set-Cookie", s.door.cookie(oidc::cookie_name, begun->cookie, oidc::cookie_lasts, "/login/oidc"));
  return out;
}

response finish_oidc(site& s, oidc& provider, request const& r) {
  auto const login = provider.finish(r, cookie_of(r, oidc::cookie_name), way_back(s));
  if (!login && login.error().code == errc::not_accepted)
    return without_login(r, error_response(403, "login_refused", login.error().detail), "refused");
  if (!login) return without_login(r, error_response(login.error()), "provider");
  auto out = s.door.log_in_as(login->user, login->next);
  if (out.status == 403) return without_login(r, std::move(out), "not_allowed");
  out.headers.add("Set-Cookie", s.door.cookie(oidc::cookie_name, "", std::chrono::seconds{0}, "/login/oidc"));
  return out;
}

void add_oidc_routes(router& to, site& s) {
  auto const provider = s.with.oidc ? std::make_shared<oidc>(*s.with.oidc, s.with.key, fetch, s.now) : nullptr;
  if (!provider) return;
  to.add({.method = "GET",
          .pattern = "/login/oidc",
          .access = access::open,
          .serve = [&s, provider](request const& r) { return begin_oidc(s, *provider, r); },
          .summary = "Begins a login at the OpenID Connect provider",
          .takes = {"next: the page to go to then"}});
  to.add({.method = "GET",
          .pattern = "/login/oidc/callback",
          .access = access::open,
          .serve = [&s, provider](request const& r) { return finish_oidc(s, *provider, r); },
          .summary = "Where the provider sends the browser back",
          .takes = {"code: from the provider", "state: from the provider"},
          .audited = true});
}

}  // namespace

void add_session_routes(router& to, site& s) {
  to.add({.method = "GET",
          .pattern = gate::session_path,
          .access = access::open,
          .serve = [&s](request const& r) { return show_session(s, r); },
          .summary = "Who asks, and what may be done; 401 with the same members when a login is needed"});
  to.add({.method = "POST",
          .pattern = gate::session_path,
          .access = access::open,
          .serve = [&s](request const& r) { return begin_session(s, r); },
          .summary = "Logs in with a password; gives a cookie",
          .takes = {"user: name", "password: its password"},
          .audited = true});
  to.add({.method = "DELETE",
          .pattern = gate::session_path,
          .access = access::open,
          .serve = [&s](request const& r) { return s.door.log_out(r); },
          .summary = "Logs out: the cookie is worth nothing any more"});
  to.add({.method = "GET",
          .pattern = "/api/v1/live",
          .access = access::view,
          .serve =
              [&s](request const& r) {
                response out;
                out.type = "text/event-stream";
                out.headers.add("X-Accel-Buffering", "no");  // for proxies of nginx's kind
                if (r.method == "HEAD") return out;
                out.stream = s.stream.listen();
                if (!out.stream) return error_response(503, "busy", "too many pages listen; close some");
                return out;
              },
          .summary = "Server-sent events: hello, overview, workers, tasks, queues",
          .waits = false});
  add_oidc_routes(to, s);
}

}  // namespace lovage::web
