#include "web/login_sessions.hpp"

#include "web/crypto.hpp"
#include "web/users.hpp"

#include <lovage/json.hpp>

#include <algorithm>

namespace lovage::web {
namespace {

constexpr std::string_view session_purpose = "session";
constexpr std::size_t remembered_ends = 10'000;

std::string text_member(value const& v, std::string_view key) {
  auto const* at = v.find(key);
  auto const* text = at ? at->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

std::string signature_of(std::string_view key, std::string_view purpose, std::string_view payload) {
  return to_base64url(hmac_sha256(key, std::string{purpose} + "\n" + std::string{payload}));
}

}  // namespace

std::string sign_text(std::string_view key, std::string_view purpose, std::string_view text) {
  auto const payload = to_base64url(text);
  return payload + "." + signature_of(key, purpose, payload);
}

std::optional<std::string> signed_text(std::string_view key, std::string_view purpose, std::string_view cookie) {
  auto const dot = cookie.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  auto const payload = cookie.substr(0, dot);
  if (!same_secret(signature_of(key, purpose, payload), cookie.substr(dot + 1))) return std::nullopt;
  return from_base64url(payload);
}

std::string login_sessions::begin(std::string const& user, role r) const {
  value::map const content{{"user", user},
                           {"role", to_string(r)},
                           {"until", (now_() + lasts_).time_since_epoch().count()},
                           {"id", random_text(16)}};
  return sign_text(key_, session_purpose, to_json(content));
}

std::optional<login_sessions::content> login_sessions::read(std::string_view cookie) const {
  auto const text = signed_text(key_, session_purpose, cookie);
  if (!text) return std::nullopt;
  try {
    auto const v = from_json(*text);
    auto const* until = v.find("until");
    auto const* count = until ? until->get_if<std::int64_t>() : nullptr;
    auto const r = role_of(text_member(v, "role"));
    if (!count || !r) return std::nullopt;
    content out;
    out.who = identity{text_member(v, "user"), *r, true, text_member(v, "id")};
    out.until = time_point{std::chrono::microseconds{*count}};
    return out;
  } catch (error const&) {
    return std::nullopt;
  }
}

std::optional<identity> login_sessions::find(std::string_view cookie) const {
  auto const content = read(cookie);
  if (!content || content->until <= now_()) return std::nullopt;
  std::lock_guard const lock{mutex_};
  if (ended_.count(content->who.session) > 0) return std::nullopt;
  return content->who;
}

void login_sessions::end(std::string_view cookie) {
  auto const content = read(cookie);
  if (!content) return;
  std::lock_guard const lock{mutex_};
  auto const now = now_();
  std::erase_if(ended_, [&](auto const& e) { return e.second <= now; });
  if (ended_.size() >= remembered_ends) {
    auto const sooner = [](auto const& a, auto const& b) { return a.second < b.second; };
    ended_.erase(std::min_element(ended_.begin(), ended_.end(), sooner));
  }
  ended_[content->who.session] = content->until;
}

std::string login_sessions::csrf_token(std::string const& session) const {
  return to_base64url(hmac_sha256(key_, "csrf\n" + session));
}

}  // namespace lovage::web
