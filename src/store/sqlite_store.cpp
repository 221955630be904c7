#include "store/sqlite_store.hpp"

#include "config/url.hpp"
#include "store/schema.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

namespace lovage::store {
namespace {

struct open_stores {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<sqlite_store>> by_path;
};

open_stores& the_stores() {
  static open_stores s;
  return s;
}

expected<std::chrono::milliseconds> seconds_in(std::string const& key, std::string const& text,
                                               std::string const& url) {
  double s = 0;
  auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), s);
  if (code != std::errc{} || end != text.data() + text.size() || s <= 0 || s > 86'400)
    return fail(errc::bad_config, key + "=" + text + " is no number of seconds", url);
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(s));
}

expected<sqlite_store::settings> read_url(std::string const& text) {
  auto const address = parse_url(text);
  if (!address) return fail(address.error());
  if (!address->host.empty() || address->path.empty())
    return fail(errc::bad_config, "write sqlite:///relative/file.db or sqlite:////absolute/file.db", text);
  sqlite_store::settings out;
  // Without links: two names of one file must share its run directory, as they share SQLite's log.
  std::error_code failed;
  out.path = std::filesystem::weakly_canonical(address->path, failed).string();
  if (failed) return fail(errc::unavailable, "cannot follow the path: " + failed.message(), address->path);
  for (auto const& [key, val] : address->query) {
    if (key == "synchronous" && (val == "full" || val == "normal")) {
      out.full_sync = val == "full";
    } else if (key == "lease" || key == "busy_timeout") {
      auto const s = seconds_in(key, val, text);
      if (!s) return fail(s.error());
      (key == "lease" ? out.lease : out.busy_timeout) = *s;
    } else {
      return fail(errc::bad_config,
                  "unknown option '" + key + "=" + val +
                      "'; there are synchronous=normal|full, lease=SECONDS and busy_timeout=SECONDS",
                  text);
    }
  }
  return out;
}

// Readable and writable for those who may write the store.
::mode_t shared_mode(std::string const& path) {
  struct ::stat of {};
  if (::stat(path.c_str(), &of) != 0) return 0600;
  return 0600 | ((of.st_mode & S_IWGRP) != 0 ? 0060 : 0) | ((of.st_mode & S_IWOTH) != 0 ? 0006 : 0);
}

void make_run_directory(std::string const& directory, ::mode_t mode) {
  auto const enter = (mode & 0444) >> 2;
  if (::mkdir(directory.c_str(), mode | enter) == 0) {
    (void)::chmod(directory.c_str(), mode | enter);  // whatever the umask
  } else if (errno != EEXIST) {
    auto const code = errno == ENOSPC ? errc::no_space : errc::unavailable;
    throw sql_failure{{code, std::string{"cannot make the directory: "} + std::strerror(errno), directory}};
  }
}

void make_parent(std::string const& path) {
  std::error_code ignored;  // opening the file says what is wrong
  std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), ignored);
}

}  // namespace

expected<std::shared_ptr<sqlite_store>> sqlite_store::open(std::string const& url, now_fn now, deadline until) {
  auto with = read_url(url);
  if (!with) return fail(with.error());
  auto& open = the_stores();
  std::lock_guard const lock{open.mutex};
  std::erase_if(open.by_path, [](auto const& at) { return at.second.expired(); });
  auto& kept = open.by_path[with->path];
  if (auto there = kept.lock(); there && there->options() == *with) return there;
  return attempt([&] {
    make_parent(with->path);
    auto made = std::make_shared<sqlite_store>(*with, std::move(now), until);
    kept = made;
    return made;
  });
}

sqlite_store::sqlite_store(settings with, now_fn now, deadline until)
    : settings_{std::move(with)}, run_directory_{settings_.path + ".run"}, now_{std::move(now)} {
  auto first = connect(until);
  prepare_schema(*first);
  run_mode_ = shared_mode(settings_.path);
  make_run_directory(run_directory_, run_mode_);
  wake_ = std::make_unique<wake_page>(run_directory_ + "/wake", run_mode_);
}

std::unique_ptr<database> sqlite_store::connect(deadline until) const {
  database::options with;
  with.full_sync = settings_.full_sync;
  return std::make_unique<database>(settings_.path, with, lock_deadline(until));
}

std::string sqlite_store::session_path(std::int64_t session) const {
  return run_directory_ + "/session-" + std::to_string(session);
}

}  // namespace lovage::store
