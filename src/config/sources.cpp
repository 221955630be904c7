// Where settings come from: the environment, a file, and which file.
#include "config/config_access.hpp"
#include "config/setting_text.hpp"
#include "config/url.hpp"

#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace lovage {
namespace {

constexpr std::string_view prefix = "LOVAGE_";

// Variables that programs read for themselves. A word that ends in _ stands for all that begin with it.
constexpr std::array<std::string_view, 14> reserved = {"CONFIG",     "APP",    "WORKDIR",  "QUIET",     "NO_COLOR",
                                                       "FORK_",      "LOG_",   "INTERNAL", "INTERNAL_", "TEST_",
                                                       "SOURCE_DIR", "BUILD_", "PLUGIN_",  "VERSION"};

bool is_reserved(std::string_view name) {
  return std::any_of(reserved.begin(), reserved.end(), [&](std::string_view word) {
    return word.ends_with('_') ? name.starts_with(word) : name == word;
  });
}

std::string upper(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

expected<void> put_variable(config& c, std::string_view setting, std::string const& variable, std::string const& text) {
  auto const origin = "environment variable " + variable;
  auto ok = config_access::put(c, *settings::find(setting), value{text}, settings::texts::any_type, origin);
  return ok ? ok : fail(ok.error().code, ok.error().detail, origin);
}

expected<void> own_variable(config& c, std::string const& variable, std::string const& text) {
  auto const rest = std::string_view{variable}.substr(prefix.size());
  auto const name = settings::lowered(rest);
  auto const* row = upper(name) == rest ? settings::find(name) : nullptr;
  if (row && row->in_effect) return put_variable(c, row->name, variable, text);
  if (row) {
    config_access::warn(c, settings::inert_text(*row) + " (environment variable " + variable + ")");
  } else if (!is_reserved(rest)) {
    auto warning = "unknown environment variable " + variable.substr(0, 80);
    if (auto const near = settings::nearest(name); !near.empty()) {
      warning += "; did you mean " + std::string{prefix} + upper(near) + "?";
    }
    config_access::warn(c, std::move(warning));
  }
  return {};
}

expected<std::string> read_file(std::string const& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec))
    return fail(errc::bad_config, "a directory, where a TOML file is meant", path);
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return fail(errc::bad_config, std::string{"cannot read the configuration file: "} + std::strerror(errno), path);
  constexpr std::size_t most =
      (std::size_t{256} << 10) + 1;  // one more than is read_toml's limit, which then complains
  std::string text(most, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return fail(errc::bad_config, "reading the configuration file failed", path);
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string absolute_directory(environment const& env, std::string_view variable) {
  auto const text = find_variable(env, variable);
  return text.starts_with('/') ? std::string{text} : std::string{};
}

expected<void> apply_file(config& c, std::string const& path) {
  auto const text = read_file(path);
  if (!text) return fail(text.error());
  if (auto ok = config_access::apply_toml(c, *text, path); !ok) return ok;
  config_access::set_file(c, path);
  return {};
}

}  // namespace

expected<void> config_access::apply_environment(config& c, environment const& env) {
  for (auto const* name : {"broker_url", "broker_read_url", "broker_write_url", "result_backend"}) {
    auto const celery = "CELERY_" + upper(name);
    std::string const text{find_variable(env, celery)};
    if (text.empty() || !find_variable(env, std::string{prefix} + upper(name)).empty()) continue;
    if (auto ok = put_variable(c, name, celery, text); !ok) return ok;
  }
  for (auto const& [variable, text] : env) {
    if (!variable.starts_with(prefix) || text.empty()) continue;
    if (auto ok = own_variable(c, variable, text); !ok) return ok;
  }
  return {};
}

environment process_environment() {
  environment out;
  for (char** item = environ; item && *item; ++item) {
    std::string_view const text{*item};
    auto const equals = text.find('=');
    if (equals != text.npos) out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string_view find_variable(environment const& env, std::string_view name) noexcept {
  for (auto const& [variable, text] : env)
    if (variable == name) return text;
  return {};
}

std::string state_directory(environment const& env) {
  auto state = absolute_directory(env, "XDG_STATE_HOME");
  if (state.empty()) {
    auto const home = absolute_directory(env, "HOME");
    state = home.empty() ? "/var/lib" : home + "/.local/state";
  }
  while (state.ends_with('/')) state.pop_back();
  return state + "/lovage";
}

std::string default_store_url(environment const& env) { return sqlite_url(state_directory(env) + "/lovage.db"); }

std::vector<file_choice> files_to_try(std::optional<std::string> const& path, environment const& env) {
  if (path) return {{*path, true}};
  if (auto const named = find_variable(env, "LOVAGE_CONFIG"); !named.empty()) return {{std::string{named}, true}};
  std::vector<file_choice> out{{"lovage.toml", false}};
  auto directory = absolute_directory(env, "XDG_CONFIG_HOME");
  auto const home = absolute_directory(env, "HOME");
  if (directory.empty() && !home.empty()) directory = home + "/.config";
  if (!directory.empty()) out.push_back({directory + "/lovage/lovage.toml", false});
  return out;
}

config config::from_env() {
  config out;
  config_access::apply_environment(out, process_environment()).value();
  return out;
}

config config::load(std::string const& path) {
  config out;
  apply_file(out, path).value();
  return out;
}

config config::discover(std::optional<std::string> const& path) {
  config out;
  auto const env = process_environment();
  for (auto const& [file, required] : files_to_try(path, env)) {
    std::error_code ec;
    if (!required && !std::filesystem::exists(file, ec)) continue;
    apply_file(out, file).value();
    break;
  }
  config_access::apply_environment(out, env).value();
  return out;
}

}  // namespace lovage
