#include "worker/revocations.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>

namespace lovage::work {
namespace {

constexpr std::string_view file_head = "lovage-revoked 1\n";

std::optional<std::int64_t> number_of(char const* variable) {
  auto const* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  std::string_view const t{text};
  double out = 0;
  auto const [end, bad] = std::from_chars(t.data(), t.data() + t.size(), out);
  if (bad != std::errc{} || end != t.data() + t.size() || out < 0) return std::nullopt;
  return static_cast<std::int64_t>(out);
}

// No id has a NUL.
std::string key_of(std::string const& stamp, std::string const& text) {
  return stamp.empty() ? text : stamp + std::string(1, '\0') + text;
}

// Stamps of Python may be numbers; they are revoked as texts.
std::optional<std::string> text_of_stamp(value const& v) {
  if (auto const* s = v.get_if<std::string>()) return *s;
  if (auto const* i = v.get_if<std::int64_t>()) return std::to_string(*i);
  return std::nullopt;
}

double seconds(time_point t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

error_info file_error(std::string const& path) {
  return {errc::unavailable, std::string{"cannot use the state file: "} + std::strerror(errno), path};
}

// A line of the file holds no line break of its own.
std::string escaped_line(std::string_view text) {
  std::string out;
  for (auto const c : text) {
    if (c == '\\' || c == '\n') {
      out += '\\';
      out += c == '\n' ? 'n' : c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size())
      out += text[i];
    else
      out += text[++i] == 'n' ? '\n' : text[i];
  }
  return out;
}

}  // namespace

revocation_limits revocation_limits::from_environment() {
  revocation_limits out;
  if (auto const n = number_of("CELERY_WORKER_REVOKES_MAX")) out.most = static_cast<std::size_t>(*n);
  if (auto const n = number_of("CELERY_WORKER_REVOKE_EXPIRES")) out.expires = std::chrono::seconds{*n};
  return out;
}

revocations::revocations(revocation_limits limits, now_fn now) : limits_{limits}, now_{std::move(now)} {}

time_point revocations::until(time_point now) const {
  return limits_.expires.count() == 0 ? time_point::max() : now + limits_.expires;
}

bool revocations::insert(broker::revocation what) {
  auto key = key_of(what.stamp, what.text);
  if (auto const at = by_key_.find(key); at != by_key_.end()) {
    at->second->until = std::max(at->second->until, what.until);
    all_.splice(all_.end(), all_, at->second);
    return false;
  }
  stamps_ += what.stamp.empty() ? 0 : 1;
  all_.push_back(std::move(what));
  by_key_.emplace(std::move(key), std::prev(all_.end()));
  ++version_;
  return true;
}

void revocations::forget_old(time_point now) {
  while (!all_.empty() && (all_.front().until <= now || (limits_.most != 0 && all_.size() > limits_.most))) {
    auto const& old = all_.front();
    stamps_ -= old.stamp.empty() ? 0 : 1;
    by_key_.erase(key_of(old.stamp, old.text));
    all_.pop_front();
  }
}

std::vector<broker::revocation> revocations::revoke(std::span<task_id const> ids, time_point now) {
  std::vector<std::string> texts;
  for (auto const& id : ids) texts.push_back(id.str());
  return revoke_stamps({}, texts, now);
}

std::vector<broker::revocation> revocations::revoke_stamps(std::string const& name,
                                                           std::vector<std::string> const& values, time_point now) {
  std::lock_guard const lock{mutex_};
  std::vector<broker::revocation> fresh;
  for (auto const& v : values)
    if (broker::revocation const what{name, v, until(now)}; insert(what)) fresh.push_back(what);
  forget_old(now);
  return fresh;
}

void revocations::add(std::span<broker::revocation const> what) {
  if (what.empty()) return;
  std::lock_guard const lock{mutex_};
  auto const now = now_();
  for (auto const& r : what)
    if (r.until > now) insert(r);
  forget_old(now);
}

bool revocations::has(std::string const& key, time_point now) const {
  auto const at = by_key_.find(key);
  return at != by_key_.end() && at->second->until > now;
}

bool revocations::is_revoked(task_id const& id) const { return is_revoked(id, {}); }

bool revocations::is_revoked(task_id const& id, value::map const& stamps) const {
  std::lock_guard const lock{mutex_};
  if (all_.empty()) return false;
  auto const now = now_();
  if (has(id.str(), now)) return true;
  if (stamps_ == 0) return false;
  auto const names = [&](std::string const& name, value const& v) {
    auto const text = text_of_stamp(v);
    return text && has(key_of(name, *text), now);
  };
  for (auto const& s : stamps) {
    if (names(s.key, s.val)) return true;
    auto const* list = s.val.get_if<value::list>();
    for (std::size_t i = 0; list && i < list->size(); ++i)
      if (names(s.key, (*list)[i])) return true;
  }
  return false;
}

std::vector<task_id> revocations::ids() const {
  std::lock_guard const lock{mutex_};
  std::vector<task_id> out;
  auto const now = now_();
  for (auto const& r : all_)
    if (r.stamp.empty() && r.until > now) out.emplace_back(r.text);
  return out;
}

value::map revocations::to_value() const {
  std::lock_guard const lock{mutex_};
  value::map out;
  auto const now = now_();
  for (auto const& r : all_) {
    if (!r.stamp.empty() || r.until <= now) continue;
    auto const when = r.until == time_point::max() ? now : r.until - limits_.expires;
    out.push_back({r.text, value::list{seconds(when), r.text}});
  }
  return out;
}

// A peer's `when` is its own clock's (Celery's counts from its host's start): the age that it means nothing here is
// taken for none.
void revocations::merge(value const& from) {
  std::lock_guard const lock{mutex_};
  auto const now = now_();
  auto const learn = [&](std::string const& id) {
    if (!id.empty()) insert({{}, id, until(now)});
  };
  if (auto const* map = from.get_if<value::map>())
    for (auto const& r : *map)
      if (r.val.is<value::list>()) learn(r.key);
  if (auto const* list = from.get_if<value::list>())
    for (auto const& v : *list)
      if (auto const* id = v.get_if<std::string>()) learn(*id);
  forget_old(now);
}

expected<void> revocations::load(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return errno == ENOENT ? expected<void>{} : fail(file_error(path));
  std::string line;
  if (!std::getline(in, line) || line + "\n" != file_head)
    return fail(errc::decode, "this is not a state file of lovage's; Celery's cannot be read", path);
  std::vector<broker::revocation> all;
  while (std::getline(in, line)) {
    auto read = broker::read_revocation(unescaped(line));
    if (!read) return fail(errc::decode, "the state file is damaged", path);
    all.push_back(*std::move(read));
  }
  return add(all), expected<void>{};
}

// Beside it first: a file that is there is whole.
expected<void> revocations::save(std::string const& path) const {
  std::string text{file_head};
  {
    std::lock_guard const lock{mutex_};
    for (auto const& r : all_) text += escaped_line(broker::write_revocation(r)) + "\n";
  }
  auto const beside = path + ".new";
  {
    std::ofstream out{beside, std::ios::binary | std::ios::trunc};
    if (!(out << text << std::flush)) return fail(file_error(path));
  }
  if (std::rename(beside.c_str(), path.c_str()) != 0) return fail(file_error(path));
  return {};
}

}  // namespace lovage::work
