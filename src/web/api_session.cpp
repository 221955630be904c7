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

void add_oidc_routes(router& to, site& s) {
  auto const provider = s.with.oidc ? std::make_shared<oidc>(*s.with.oidc, s.with.key, fetch, s.now) : nullptr;
  if (!provider) return;
  to.add({.method = "GET",
          .pattern = "/login/oidc",
          .access = access::open,
          .serve =
              [&s, provider](request const&) {
                auto const begun = provider->begin(way_back(s));
                if (!begun) return error_response(begun.error());
                auto out = redirect_to(begun->url);
                out.headers.add("Set-Cookie",
                                s.door.cookie(oidc::cookie_name, begun->cookie, oidc::cookie_lasts, "/login/oidc"));
                return out;
              },
          .summary = "Begins a login at the OpenID Connect provider"});
  to.add({.method = "GET",
          .pattern = "/login/oidc/callback",
          .access = access::open,
          .serve =
              [&s, provider](request const& r) {
                auto const user = provider->finish(r, cookie_of(r, oidc::cookie_name), way_back(s));
                if (!user) {
                  bool const refused = user.error().code == errc::not_accepted;
                  return refused ? error_response(403, "login_refused", user.error().detail)
                                 : error_response(user.error());
                }
                auto out = s.door.log_in_as(*user);
                out.headers.add("Set-Cookie",
                                s.door.cookie(oidc::cookie_name, "", std::chrono::seconds{0}, "/login/oidc"));
                return out;
              },
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
