#include "cli/dev_project.hpp"

#include "cli/session.hpp"

#include <elf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <thread>

#include <fmt/format.h>

namespace lovage::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view plugin_symbol = "lovage_plugin";

bool has_config(fs::path const& folder) {
  std::error_code ignored;
  return fs::exists(folder / "lovageConfig.cmake", ignored) && fs::exists(folder / "lovageTargets.cmake", ignored);
}

// Of the lovage that this program belongs to, installed or where it was built; empty when it is neither.
fs::path own_package() {
  std::error_code ignored;
  auto const prefix = fs::read_symlink("/proc/self/exe", ignored).parent_path().parent_path();
  if (has_config(prefix)) return prefix;
  for (auto const* lib : {"lib", "lib64"}) {
    if (auto const at = prefix / lib / "cmake/lovage"; has_config(at)) return at;
    for (fs::directory_iterator at{prefix / lib, ignored}, end; !ignored && at != end; at.increment(ignored))
      if (auto const inner = at->path() / "cmake/lovage"; has_config(inner)) return inner;
  }
  return {};
}

bool in_path(std::string_view program) {
  std::string_view left = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  std::error_code ignored;
  while (!left.empty()) {
    auto const end = std::min(left.find(':'), left.size());
    if (fs::exists(fs::path{left.substr(0, end)} / program, ignored)) return true;
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return false;
}

// A configuration that failed leaves a cache and nothing to build with.
bool is_configured(fs::path const& build) {
  std::error_code ignored;
  return fs::exists(build / "CMakeCache.txt", ignored) &&
         (fs::exists(build / "build.ninja", ignored) || fs::exists(build / "Makefile", ignored));
}

std::vector<std::string> configure_step(dev_project const& p) {
  std::vector<std::string> out{"cmake", "-S", p.root.string(), "-B", p.build_folder.string()};
  std::error_code ignored;
  bool const first = !fs::exists(p.build_folder / "CMakeCache.txt", ignored);
  if (first && in_path("ninja")) out.insert(out.end(), {"-G", "Ninja"});
  if (auto const package = own_package(); !package.empty()) out.push_back("-Dlovage_DIR=" + package.string());
  return out;
}

std::string bytes_of(std::ifstream& in, Elf64_Shdr const& section) {
  constexpr std::uint64_t sane = 64U << 20;
  std::string out(std::min(section.sh_size, sane), '\0');
  in.seekg(static_cast<std::streamoff>(section.sh_offset));
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  return in ? out : std::string{};
}

std::vector<Elf64_Shdr> sections_of(std::ifstream& in) {
  Elf64_Ehdr head{};
  in.read(reinterpret_cast<char*>(&head), sizeof head);
  bool const good = in && std::memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_ident[EI_CLASS] == ELFCLASS64 &&
                    head.e_type == ET_DYN && head.e_shentsize == sizeof(Elf64_Shdr);
  if (!good) return {};
  std::vector<Elf64_Shdr> out(head.e_shnum);
  in.seekg(static_cast<std::streamoff>(head.e_shoff));
  in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(out.size() * sizeof(Elf64_Shdr)));
  return in ? out : std::vector<Elf64_Shdr>{};
}

bool exports(std::string const& symbols, std::string const& names) {
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym s{};
    std::memcpy(&s, symbols.data() + at, sizeof s);
    if (s.st_shndx != SHN_UNDEF && s.st_name < names.size() && plugin_symbol == names.c_str() + s.st_name) return true;
  }
  return false;
}

fs::path absolute_folder(std::string const& text) {
  std::error_code failed;
  auto out = fs::canonical(text, failed);
  if (failed || !fs::is_directory(out)) throw usage_error{"there is no folder '" + text + "'"};
  return out;
}

}  // namespace

bool is_plugin(fs::path const& file) {
  std::ifstream in{file, std::ios::binary};
  auto const sections = sections_of(in);
  for (auto const& s : sections)
    if (s.sh_type == SHT_DYNSYM && s.sh_link < sections.size())
      return exports(bytes_of(in, s), bytes_of(in, sections[s.sh_link]));
  return false;
}

std::vector<fs::path> dev_project::plugins() const {
  if (!apps.empty() || build_folder.empty()) return apps;
  std::vector<fs::path> out;
  std::error_code failed;
  for (fs::recursive_directory_iterator at{build_folder, fs::directory_options::skip_permission_denied, failed}, end;
       !failed && at != end; at.increment(failed)) {
    std::error_code ignored;
    auto const& path = at->path();
    if (at->is_directory(ignored)) {
      if (path.filename() == "CMakeFiles" || path == own_folder()) at.disable_recursion_pending();
    } else if (path.extension() == ".so" && !at->is_symlink(ignored) && is_plugin(path)) {
      out.push_back(path);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::vector<std::string>> dev_project::build_steps() const {
  if (!has_sources) return {};
  if (!build_command.empty()) return {{"/bin/sh", "-c", build_command}};
  std::vector<std::vector<std::string>> out;
  if (!is_configured(build_folder)) out.push_back(configure_step(*this));
  auto const jobs = std::to_string(std::max(1U, std::thread::hardware_concurrency()));
  out.push_back({"cmake", "--build", build_folder.string(), "--parallel", jobs});
  return out;
}

dev_project find_project(dev_wishes const& wishes) {
  dev_project out;
  std::error_code ignored;
  out.root = absolute_folder(wishes.folder.empty() ? "." : wishes.folder);
  for (auto const& a : wishes.apps) {
    auto const file = fs::absolute(a).lexically_normal();
    out.apps.push_back(fs::weakly_canonical(file.parent_path(), ignored) / file.filename());
  }
  out.build_command = wishes.build_command;
  bool const has_cmake = fs::exists(out.root / "CMakeLists.txt", ignored);
  bool const only_plugins = wishes.folder.empty() && wishes.build_command.empty() && !wishes.apps.empty();
  if (!has_cmake && out.build_command.empty() && !only_plugins) {
    auto const where = wishes.folder.empty() ? std::string{"here"} : "in " + wishes.folder;
    throw usage_error{"nothing to work on: there is no CMakeLists.txt " + where +
                      "; give the folder of a CMake project (lovage dev DIR), another way to build it (--build CMD), a "
                      "plug-in that you build yourself (-A ./libtasks.so), or begin a project: lovage dev --init NAME"};
  }
  out.has_sources = !only_plugins;
  if (!out.has_sources) return out;
  if (!wishes.build_folder.empty()) {
    out.build_folder = fs::weakly_canonical(fs::absolute(wishes.build_folder));
  } else if (!out.build_command.empty()) {
    out.build_folder = fs::is_directory(out.root / "build", ignored) ? out.root / "build" : out.root;
  } else {
    bool const built = fs::exists(out.root / "build/CMakeCache.txt", ignored);
    out.build_folder = built ? out.root / "build" : out.own_folder() / "build";
  }
  return out;
}

std::string look_of(std::vector<fs::path> const& files) {
  std::string out;
  for (auto const& f : files) {
    struct ::stat s {};
    if (::stat(f.c_str(), &s) != 0) continue;
    out += fmt::format("{} {} {} {}.{:09}\n", f.string(), s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
  }
  return out;
}

void make_own_folder(dev_project const& p) {
  std::error_code failed;
  fs::create_directories(p.own_folder(), failed);
  if (failed) throw error{errc::unavailable, "cannot make " + p.own_folder().string() + ": " + failed.message()};
  std::ofstream{p.own_folder() / ".gitignore"} << "*\n";
}

}  // namespace lovage::cli
