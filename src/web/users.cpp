#include "web/users.hpp"

#include "web/crypto.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace lovage::web {
namespace {

// Of nobody: what a wrong name is checked against, so that it takes as long as a wrong password.
constexpr char const* nobodys_hash = "scrypt$15$8$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

expected<std::string> content_of(std::string const& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return fail(errc::bad_config, std::string{"the file of users cannot be read: "} + std::strerror(errno), path);
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

std::string line_text(user_line const& u) { return u.name + ":" + to_string(u.role) + ":" + u.secret; }

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto const end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    out.emplace_back(line);
  }
  return out;
}

expected<void> write_anew(std::string const& path, std::string const& text) {
  auto const fresh = path + ".new";
  auto const wrong = [&](char const* what) {
    return fail(errc::unavailable, std::string{"the file of users cannot be "} + what + ": " + std::strerror(errno),
                path);
  };
  int const fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return wrong("made");
  bool const whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!whole) return wrong("written");
  if (::rename(fresh.c_str(), path.c_str()) != 0) return wrong("put in place");
  return {};
}

}  // namespace

std::string to_string(role r) { return r == role::operate ? "operator" : r == role::viewer ? "viewer" : "none"; }

std::optional<role> role_of(std::string_view word) {
  if (word == "operator") return role::operate;
  if (word == "viewer") return role::viewer;
  return std::nullopt;
}

expected<user_line> parse_user(std::string_view line, std::string const& place) {
  auto const first = line.find(':');
  auto const second = first == std::string_view::npos ? first : line.find(':', first + 1);
  if (second == std::string_view::npos || first == 0)
    return fail(errc::bad_config, "a user is written as name:role:secret; 'lovage web passwd NAME' makes such a line",
                place);
  user_line out;
  out.name = line.substr(0, first);
  auto const word = line.substr(first + 1, second - first - 1);
  auto const r = role_of(word);
  if (!r) return fail(errc::bad_config, "the role of '" + out.name + "' must be viewer or operator", place);
  out.role = *r;
  out.secret = line.substr(second + 1);
  if (!out.secret.starts_with("scrypt$") && !out.is_token())
    return fail(errc::bad_config,
                "the secret of '" + out.name + "' must be hashed; 'lovage web passwd " + out.name + "' makes the line",
                place);
  return out;
}

expected<void> user_list::add_lines(std::string_view text, std::string const& place) {
  std::size_t number = 0;
  for (auto const& line : lines_of(text)) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    auto user = parse_user(line, place + ":" + std::to_string(number));
    if (!user) return fail(user.error());
    lines_.push_back(*std::move(user));
  }
  return {};
}

expected<void> user_list::add_file(std::string const& path) {
  struct stat of {};
  if (::stat(path.c_str(), &of) == 0 && (of.st_mode & S_IROTH) != 0)
    return fail(errc::bad_config, "everybody may read the file of users; run: chmod 600 " + path, path);
  auto text = content_of(path);
  if (!text) return fail(text.error());
  return add_lines(*text, path);
}

std::optional<user_line> user_list::with_password(std::string_view name, std::string_view password) const {
  user_line const* found = nullptr;
  for (auto const& u : lines_)
    if (!u.is_token() && u.name == name) found = &u;
  bool const right = check_password(password, found ? std::string_view{found->secret} : nobodys_hash);
  return found && right ? std::optional{*found} : std::nullopt;
}

std::optional<user_line> user_list::with_token(std::string_view token) const {
  auto const hash = hash_token(token);
  std::optional<user_line> out;
  for (auto const& u : lines_)
    if (u.is_token() && same_secret(u.secret, hash)) out = u;
  return out;
}

bool user_list::has_passwords() const noexcept {
  return std::any_of(lines_.begin(), lines_.end(), [](auto const& u) { return !u.is_token(); });
}

bool user_list::has_tokens() const noexcept {
  return std::any_of(lines_.begin(), lines_.end(), [](auto const& u) { return u.is_token(); });
}

expected<void> save_user(std::string const& path, user_line const& line) {
  std::vector<std::string> lines;
  if (::access(path.c_str(), F_OK) == 0) {
    auto before = content_of(path);
    if (!before) return fail(before.error());
    lines = lines_of(*before);
  }
  bool placed = false;
  for (auto& each : lines) {
    auto const there = parse_user(each, path);
    if (!there || there->name != line.name || there->is_token() != line.is_token()) continue;
    each = line_text(line);
    placed = true;
  }
  if (!placed) lines.push_back(line_text(line));
  std::string text;
  for (auto const& each : lines) text += each + "\n";
  return write_anew(path, text);
}

}  // namespace lovage::web
