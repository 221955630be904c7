#include "broker/redis/feed.hpp"

#include "core/log.hpp"
#include "io/signal_flag.hpp"

#include <algorithm>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;
using lovage::redis::commands;
using lovage::redis::reply;
using lovage::redis::to_error;

constexpr std::string_view bell = "__redis__:invalidate";
constexpr auto quiet_without_heartbeat = 3s;

}  // namespace

feed::feed(lovage::redis::client const& like)
    : like_{like.clone()}, heartbeat_{like.settings().heartbeat}, link_{like_->make_link()} {}

void feed::wish(wishes what) {
  what_ = std::move(what);
  changed_ = true;
}

void feed::lose(error_info const& why) {
  why_ = why;
  asks_.reset();
  hears_.reset();
  up_ = false;
  watching_ = false;
  awaited_ = 0;
  came_.clear();
  link_.lost(clock::now());
}

expected<void> feed::ensure(deadline until, int wake) {
  while (!up_) {
    if (link_.due(clock::now())) {
      auto const made = connect(until);
      if (!made) lose(made.error());
      if (!made && made.error().code == errc::bad_config) return made;  // no waiting mends that
      continue;
    }
    if (until.passed()) return fail(why_);
    if (!io::sleep_until(std::min(link_.due_at(), until.when()), wake)) return fail(why_);
  }
  return changed_ ? adapt(until) : expected<void>{};
}

// What is wished for has changed while connected.
expected<void> feed::adapt(deadline until) {
  auto const missing = [](auto const& from, auto const& in) {
    std::vector<std::string> out;
    for (auto const& p : in)
      if (std::find(from.begin(), from.end(), p) == from.end()) out.push_back(p);
    return out;
  };
  commands c;
  for (auto const& p : missing(heard_patterns_, what_.patterns)) subscribe(p, c);
  for (auto const& p : missing(what_.patterns, heard_patterns_)) unsubscribe(p, c);
  if (!c.empty())
    if (auto sent = hears_->send(c, until); !sent) return lose(sent.error()), sent;  // `digest` passes over the answers
  heard_patterns_ = what_.patterns;
  watching_ = false;
  if (!what_.on_connect.empty()) {
    auto const said = run(what_.on_connect, until);
    if (!said) return fail(said.error());
    for (auto const& r : *said)
      if (r.is_error()) return fail(to_error(r, asks_->where().text()));
  }
  changed_ = false;
  return {};
}

expected<void> feed::connect(deadline until) {
  auto const end = until.sooner(deadline::in(like_->settings().connect_timeout));
  auto asks = like_->attempt(link_, end);
  if (!asks) return fail(asks.error());
  auto hears = like_->attempt(link_, end);
  if (!hears) return fail(hears.error());
  asks_ = *std::move(asks);
  hears_ = *std::move(hears);
  if (asks_->where().text() != hears_->where().text())
    return fail(errc::unavailable, "the sentinels just changed the master", asks_->where().text());
  link_.connected();
  if (auto done = set_up(end); !done) return done;
  heard_ = clock::now();
  pinged_.reset();
  heard_patterns_ = what_.patterns;
  changed_ = false;
  up_ = true;
  return {};
}

expected<void> feed::set_up(deadline until) {
  if (auto done = hear(until); !done) return done;
  if (what_.on_connect.empty()) return {};
  auto const said = asks_->run(what_.on_connect, until);
  if (!said) return fail(said.error());
  for (auto const& r : *said)
    if (r.is_error()) return fail(to_error(r, asks_->where().text()));
  return {};
}

expected<void> feed::hear(deadline until) {
  commands c;
  if (can_watch_) {
    c.add({"CLIENT", "ID"});
    c.add({"SUBSCRIBE", bell});
  }
  for (auto const& p : what_.patterns) subscribe(p, c);
  if (c.empty()) return {};
  auto const said = hears_->run(c, until);
  if (!said) return fail(said.error());
  auto const first = std::find_if(said->begin(), said->end(), [](reply const& r) { return r.is_error(); });
  bool const of_bell = can_watch_ && first - said->begin() < 2;
  if (first != said->end() && !of_bell) return fail(to_error(*first, hears_->where().text()));
  if (!can_watch_) return {};
  if (first != said->end()) return cannot_watch(*first), expected<void>{};
  auto const tracks = track(std::to_string((*said)[0].integer), until);
  if (!tracks) return fail(tracks.error());
  return {};
}

expected<bool> feed::track(std::string const& listener, deadline until) {
  commands c;
  c.add({"CLIENT", "TRACKING", "ON", "REDIRECT", listener, "OPTIN"});
  auto const said = asks_->run(c, until);
  if (!said) return fail(said.error());
  auto const& r = said->front();
  if (!r.is_error()) return true;
  if (r.text.find("redirect to") != std::string::npos) return fail(to_error(r, asks_->where().text()));
  cannot_watch(r);
  return false;
}

void feed::cannot_watch(reply const& refusal) {
  can_watch_ = watching_ = false;
  log::warning(
      "Redis does not tell when a message comes (" + refusal.text +
      "); it is asked 20 times a second. Redis 6 or newer does; an ACL user needs +client and &__redis__:invalidate");
}

expected<std::vector<reply>> feed::run(commands const& what, deadline until) {
  if (asked()) {
    auto const before = answers(until);
    if (!before) return fail(before.error());
    if (!*before) return fail(errc::timeout, "Redis did not answer in time", asks_->where().text());
    came_ = **std::move(before);  // `answers` finds them again
    awaited_ = came_.size();
  }
  auto said = asks_->run(what, until, heartbeat_);
  if (!said) return lose(said.error()), said;
  return said;
}

expected<void> feed::ask(commands const& what, deadline until) {
  asked_at_ = clock::now();
  auto const end = heartbeat_.count() > 0 ? until.sooner(deadline::in(heartbeat_)) : until;
  auto sent = asks_->send(what, end);
  if (!sent) return lose(sent.error()), sent;
  awaited_ = what.count();
  came_.clear();
  return {};
}

bool feed::silent(clock::time_point since) const {
  return heartbeat_.count() > 0 && clock::now() - since >= heartbeat_;
}

expected<std::optional<std::vector<reply>>> feed::answers(deadline until, int wake) {
  using answer = std::optional<std::vector<reply>>;
  while (came_.size() < awaited_) {
    auto const end = heartbeat_.count() > 0 ? until.sooner(deadline::at(asked_at_ + heartbeat_)) : until;
    auto r = asks_->receive(end, wake);
    if (!r) {
      lose(r.error());
      return fail(r.error());
    }
    if (!*r && silent(asked_at_)) {
      error_info const why{errc::unavailable, "Redis fell silent", asks_->where().text()};
      lose(why);
      return fail(why);
    }
    if (!*r) return answer{};
    came_.push_back(**std::move(r));
  }
  awaited_ = 0;
  link_.ready();
  return answer{std::exchange(came_, {})};
}

void feed::watch(commands& out) const {
  out.add({"CLIENT", "CACHING", "YES"});
  out.begin(1 + what_.watched.size());
  out.word("EXISTS");
  for (auto const& k : what_.watched) out.word(k);
}

void feed::watched(reply const& caching, reply const& exists) {
  watching_ = !caching.is_error() && !exists.is_error();
  if (!watching_) cannot_watch(caching.is_error() ? caching : exists);
}

feed::clock::time_point feed::next_sign() const {
  if (pinged_) return *pinged_ + heartbeat_;
  return heard_ + (heartbeat_.count() > 0 ? heartbeat_ / 3 : std::chrono::milliseconds{quiet_without_heartbeat});
}

expected<void> feed::ping_when_quiet() {
  if (clock::now() < next_sign()) return {};
  if (pinged_ && heartbeat_.count() > 0) {
    error_info const why{errc::unavailable, "Redis fell silent", hears_->where().text()};
    lose(why);
    return fail(why);
  }
  commands c;
  c.add({"PING"});
  if (auto sent = hears_->send(c, deadline::in(1s)); !sent) return lose(sent.error()), sent;
  pinged_ = clock::now();
  return {};
}

expected<void> feed::wait(deadline until, int wake) {
  auto r = hears_->receive(until.sooner(deadline::at(next_sign())), wake);
  if (r && !*r) return ping_when_quiet();
  while (r && *r) {
    heard_ = clock::now();
    pinged_.reset();
    digest(**std::move(r));
    r = hears_->receive(deadline::now());
  }
  if (r) return {};
  lose(r.error());
  return fail(r.error());
}

void feed::digest(reply&& said) {
  auto message = read_push(std::move(said));
  if (!message) return;
  if (message->subscribed == bell) {
    watching_ = false;
  } else {
    messages_.push_back(*std::move(message));
  }
}

}  // namespace lovage::broker::redis_broker
