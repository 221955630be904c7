// dlopen, and one sentence for each way in which it goes wrong.
#include "app/registry.hpp"

#include "core/log.hpp"

#include <dlfcn.h>

#include <filesystem>

namespace lovage {
namespace {

[[noreturn]] void refuse(std::string const& path, std::string const& why) {
  throw error{errc::plugin, "cannot load plug-in '" + path + "': " + why};
}

// dlopen searches the system's library path for a name without a slash; a user who types `-A tasks.so` means here.
std::string as_path(std::string const& path) { return path.find('/') == path.npos ? "./" + path : path; }

lovage_plugin_info const& open_plugin(std::string const& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(as_path(path), ignored)) refuse(path, "no such file");
  if (std::filesystem::is_directory(as_path(path), ignored)) refuse(path, "it is a directory");
  void* handle = ::dlopen(as_path(path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    char const* why = ::dlerror();
    refuse(path, why ? why : "dlopen failed");
  }
  auto const entry = reinterpret_cast<lovage_plugin_fn>(::dlsym(handle, "lovage_plugin"));
  if (entry == nullptr)
    refuse(path, "it has no symbol 'lovage_plugin'; define tasks with LOVAGE_PLUGIN(lib) { ... } in one source file");
  auto const* info = entry();
  if (info == nullptr || info->abi_version != LOVAGE_ABI_VERSION)
    refuse(path, "it was built for plug-in ABI " + std::to_string(info ? info->abi_version : 0) +
                     ", this program speaks " + std::to_string(LOVAGE_ABI_VERSION) +
                     "; build it again with these headers");
  return *info;
}

}  // namespace

void task_registry::load(std::string const& path) {
  auto const& info = open_plugin(path);  // never closed: bodies, type infos and thread-locals live in it
  info.load(impl_->begin(path));
  if (auto text = impl_->finish(); !text.empty()) refuse(path, text);
  log::debug("loaded plug-in " + path + ", built with lovage " + info.built_with);
}

}  // namespace lovage
