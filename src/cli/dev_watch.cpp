#include "cli/dev_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace lovage::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array source_endings{".c",   ".cc",  ".cpp", ".cxx", ".h",  ".hh",    ".hpp",   ".hxx",  ".ipp",
                                    ".inl", ".tcc", ".inc", ".def", ".in", ".cmake", ".proto", ".cppm", ".ixx"};
constexpr std::array source_names{"CMakeLists.txt", "CMakePresets.json", "lovage.toml", "Makefile", "meson.build"};
constexpr std::uint32_t of_interest =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR | IN_EXCL_UNLINK;

}  // namespace

bool is_source_name(std::string_view name) {
  if (name.empty() || name.front() == '.' || name.front() == '#' || name.ends_with('~')) return false;
  auto const is = [&](char const* n) { return name == n; };
  if (std::any_of(source_names.begin(), source_names.end(), is)) return true;
  return std::any_of(source_endings.begin(), source_endings.end(), [&](char const* e) { return name.ends_with(e); });
}

expected<source_watch> source_watch::open(fs::path const& root, std::set<fs::path> leave_out) {
  source_watch out;
  out.leave_out_ = std::move(leave_out);
  out.fd_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!out.fd_) return fail(errc::unavailable, std::string{"cannot watch files: "} + std::strerror(errno));
  if (root.empty()) return out;
  if (auto done = out.add_all(root, nullptr); !done) return fail(done.error());
  return out;
}

expected<void> source_watch::also(fs::path const& file) {
  files_.insert(file);
  auto const folder = file.parent_path();
  auto const known = [&](auto const& f) { return f.second == folder; };
  if (std::any_of(folders_.begin(), folders_.end(), known)) return {};
  only_files_of_.insert(folder);
  return add(folder);
}

bool source_watch::passes(fs::path const& folder) const {
  auto const name = folder.filename().string();
  return !name.starts_with('.') && name != "node_modules" && !leave_out_.contains(folder);
}

bool source_watch::counts(fs::path const& file) const {
  if (files_.contains(file)) return true;
  return !only_files_of_.contains(file.parent_path()) && is_source_name(file.filename().string());
}

expected<void> source_watch::add(fs::path const& folder) {
  int const id = ::inotify_add_watch(fd_.get(), folder.c_str(), of_interest);
  if (id >= 0) folders_[id] = folder;
  if (id >= 0 || errno == ENOENT || errno == EACCES || errno == ENOTDIR) return {};  // it went, or is none of ours
  auto const why =
      errno == ENOSPC ? "too many folders to watch; raise fs.inotify.max_user_watches (sysctl)" : std::strerror(errno);
  return fail(errc::unavailable, std::string{"cannot watch the folder: "} + why, folder.string());
}

expected<void> source_watch::add_all(fs::path const& folder, std::vector<fs::path>* found) {
  if (auto done = add(folder); !done) return done;
  std::error_code failed;
  for (fs::directory_iterator at{folder, fs::directory_options::skip_permission_denied, failed}, end;
       !failed && at != end; at.increment(failed)) {
    std::error_code ignored;
    auto const& path = at->path();
    if (at->is_directory(ignored) && !at->is_symlink(ignored) && passes(path)) {
      if (auto done = add_all(path, found); !done) return done;
    } else if (found != nullptr && counts(path)) {
      found->push_back(path);
    }
  }
  return {};
}

std::vector<fs::path> source_watch::take() {
  std::vector<fs::path> out;
  alignas(::inotify_event) std::array<char, 16'384> room;
  for (;;) {
    auto const n = ::read(fd_.get(), room.data(), room.size());
    if (n <= 0) break;
    for (auto const *at = room.data(), *end = at + n; at < end;) {
      auto const* e = reinterpret_cast<::inotify_event const*>(at);
      at += sizeof *e + e->len;
      if ((e->mask & IN_IGNORED) != 0) folders_.erase(e->wd);
      auto const folder = folders_.find(e->wd);
      if (folder == folders_.end() || e->len == 0) continue;
      auto const path = folder->second / e->name;
      bool const comes = (e->mask & (IN_CREATE | IN_MOVED_TO)) != 0;
      if ((e->mask & IN_ISDIR) != 0) {
        // A folder that cannot be watched is no reason to end: the next build sees its files all the same.
        if (comes && passes(path) && !only_files_of_.contains(folder->second)) (void)add_all(path, &out);
      } else if ((e->mask & IN_CREATE) == 0 && counts(path)) {  // what was made is written next, or linked
        out.push_back(path);
      }
    }
  }
  std::set<fs::path> seen;
  std::erase_if(out, [&](auto const& p) { return !seen.insert(p).second; });
  return out;
}

}  // namespace lovage::cli
