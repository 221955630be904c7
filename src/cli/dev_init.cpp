// lovage dev --init: the smallest project that shows everything.
#include "cli/dev_project.hpp"
#include "cli/session.hpp"

#include <array>
#include <cctype>
#include <fstream>

namespace lovage::cli {
namespace {

namespace fs = std::filesystem;

struct template_file {
  char const *name, *text;
};

// "@NAME@" is the project's name, "@TASKS@" includes its header.
constexpr std::array project_files{
    template_file{"tasks.hpp", R"(// Names and types of the tasks: for whoever sends them and for whoever runs them.
#pragma once
#include <lovage/task.hpp>

namespace @NAME@ {
inline constexpr lovage::task<int(int, int)> add{"@NAME@.add", {"x", "y"}};
inline constexpr lovage::task<std::string(int)> work{"@NAME@.work", {"steps"}};
}  // namespace @NAME@
)"},
    template_file{"tasks.cpp", R"(// What the tasks do. 'lovage dev' builds this anew when you save it.
@TASKS@

#include <lovage/plugin.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>

static std::string do_steps(lovage::context& self, int steps) {
  if (steps < 1) throw std::invalid_argument{"steps must be 1 or more"};  // FAILURE, with type and message
  for (int i = 1; i <= steps; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    self.send_event("task-progress", {{"done", i}, {"of", steps}});
  }
  return "did " + std::to_string(steps) + " steps";
}

LOVAGE_PLUGIN(lib) {
  lib.define(@NAME@::add, [](int x, int y) { return x + y; });
  lib.define(@NAME@::work, do_steps);
}
)"},
    template_file{"CMakeLists.txt", R"(cmake_minimum_required(VERSION 3.16)
project(@NAME@ LANGUAGES CXX)
find_package(lovage REQUIRED)
lovage_add_plugin(tasks tasks.cpp)
)"},
    template_file{"lovage.toml",
                  R"(# Settings of every 'lovage' command that runs in this folder: 'lovage report' lists them.
broker_url = "sqlite:///.lovage/store.db"

[beat.schedule.some-work]
task = "@NAME@.work"
schedule = "every 10s"
args = [3]
)"},
    template_file{".gitignore", "build/\n.lovage/\n"}};

// A name that C++ takes for a namespace and CMake for a project.
std::string checked_name(fs::path const& place) {
  auto out = place.filename().string();
  for (auto& c : out)
    if (c == '-') c = '_';
  bool good = !out.empty() && std::isdigit(static_cast<unsigned char>(out.front())) == 0;
  for (char const c : out) good = good && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_');
  if (!good) throw usage_error{"--init '" + place.string() + "': a name of letters, digits and _, such as shop"};
  return out;
}

void replace_all(std::string& in, std::string_view what, std::string const& by) {
  for (auto at = in.find(what); at != in.npos; at = in.find(what, at + by.size())) in.replace(at, what.size(), by);
}

std::string filled(std::string text, std::string const& name) {
  replace_all(text, "@NAME@", name);
  replace_all(text, "@TASKS@", "#include \"tasks.hpp\"");
  return text;
}

}  // namespace

fs::path make_project(std::string const& name) {
  auto const place = fs::absolute(name).lexically_normal();
  auto const word = checked_name(place.has_filename() ? place : place.parent_path());
  std::error_code failed;
  fs::create_directories(place, failed);
  if (failed) throw error{errc::unavailable, "cannot make the folder " + place.string() + ": " + failed.message()};
  if (!fs::is_empty(place, failed))
    throw error{errc::conflict, "the folder " + place.string() + " is not empty; give the name of a new one"};
  for (auto const& f : project_files) {
    std::ofstream out{place / f.name};
    out << filled(f.text, word) << std::flush;
    if (!out) throw error{errc::unavailable, "cannot write " + (place / f.name).string()};
  }
  return place;
}

}  // namespace lovage::cli
