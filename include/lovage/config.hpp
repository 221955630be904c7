// What a program can set: broker, result backend, tasks and worker, under Celery's names.
#pragma once

#include <lovage/error.hpp>
#include <lovage/routing.hpp>
#include <lovage/tls.hpp>
#include <lovage/value.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage {

/// The settings of an app, as a value. A setting that nobody set has its default.
///
///     lovage::app app{lovage::config{}.broker_url("redis://localhost/0").result_expires(24h).task_acks_late(true)};
///     lovage::app app{lovage::config::discover()};       // file, then environment, as the programs do it
///
/// Every row of settings.inc that is in effect is one setter and one getter of that name here; the rows with their
/// types, defaults and old spellings are listed in docs/reference/settings.md. The kinds and their C++ types:
///
/// | kind | getter | setter takes | text (environment, command line) |
/// |---|---|---|---|
/// | `url`, `text`, `choice` | `std::string`, empty = none | the same | as it is |
/// | `flag` | `bool` | `bool`, nothing that converts to it | true/false, yes/no, on/off, 1/0 |
/// | `maybe_flag` | `std::optional<bool>` | the same, or `bool` | true/false, or none |
/// | `integer` | `int` | `int` | 8 |
/// | `maybe_integer` | `std::optional<int>` | the same | 5, or none |
/// | `seconds` | `std::chrono::milliseconds`, zero = none or never | any chrono unit from milliseconds up | 90, 10s, 1d |
/// | `names` | `std::vector<std::string>` | the same | json,msgpack |
/// | `routes` | `std::vector<task_route>`, first match wins | the same | shop.*=high,mail.send=low, or JSON |
/// | `queues` | `std::vector<task_queue>` | the same | high,celery, or JSON |
/// | `annotations` | `value::map` of task name to a map of options | the same | {"shop.add": {"rate_limit": "10/m"}} |
/// | `map` | `value::map` | the same | {"visibility_timeout": 3600} |
/// | `tls` | `tls` | the same, or `bool` | true, or {"ca_certs": "/etc/ssl/ca.pem"} |
///
/// *Threads*: as std::string. Getters look up a table and may read the environment (the default store): read once what
/// a loop needs. *On failure*: setters, `set` and the factories throw `lovage::error` with
/// `errc::bad_config` and a text that names the setting, its place and the fix; the object is then unchanged.
class config {
 public:
  config() = default;

  using url_type = std::string;
  using text_type = std::string;
  using choice_type = std::string;
  using flag_type = bool;
  using maybe_flag_type = std::optional<bool>;
  using integer_type = int;
  using maybe_integer_type = std::optional<int>;
  using seconds_type = std::chrono::milliseconds;
  using names_type = std::vector<std::string>;
  using routes_type = std::vector<task_route>;
  using queues_type = std::vector<task_queue>;
  using annotations_type = value::map;
  using map_type = value::map;
  using tls_type = tls;

  /// Whether a setter of `Kind` takes a `T`: "no" is never taken for `true`.
  template <class T, class Kind>
  static constexpr bool accepts = std::convertible_to<T, Kind> && !std::floating_point<T> &&
                                  (!std::same_as<Kind, bool> || std::same_as<T, bool>)&&(
                                      !std::same_as<Kind, std::optional<bool>> || std::same_as<T, bool> ||
                                      std::same_as<T, std::optional<bool>> || std::same_as<T, std::nullopt_t>);

  // A getter and a setter for each row.
#define LOVAGE_SETTING(kind, name, ...)         \
  [[nodiscard]] kind##_type name() const {      \
    kind##_type out{};                          \
    read(#name, out);                           \
    return out;                                 \
  }                                             \
  template <class T = kind##_type>              \
    requires(accepts<T, kind##_type>)           \
  config& name(T v) {                           \
    return assign(#name, pack<kind##_type>(v)); \
  }
#define LOVAGE_INERT(name, ...)
#include <lovage/settings.inc>
#undef LOVAGE_SETTING
#undef LOVAGE_INERT

  /// Sets by name. Text is parsed by the setting's type ("8", "24h", "yes"); other kinds must fit it as they are; null
  /// goes back to the default. Old and upper-case spellings are understood. `origin` is what `origin()` then says.
  /// A setting that Celery knows and lovage does not honour yet is no error: it adds a line to `warnings()`.
  config& set(std::string_view name, value v, std::string origin = "code");

  /// Sets from a command line's "name=value"; "worker.concurrency=8" and, without a section, "concurrency=8" (section
  /// `worker`) mean `worker_concurrency`. The origin is "option".
  config& set_option(std::string_view assignment);

  /// The value in effect, set or default: seconds are a float or int of seconds, routes a map of pattern to queue or
  /// options, queues a map of name to options.
  /// Null for a setting that is known but not in effect. Throws for an unknown name.
  [[nodiscard]] value get(std::string_view name) const;

  /// Where the value came from: "default", "lovage.toml:3", "environment variable LOVAGE_BROKER_URL", "option", "code".
  [[nodiscard]] std::string origin(std::string_view name) const;
  [[nodiscard]] bool is_set(std::string_view name) const;

  /// Sentences for the log, in the order found: settings without effect, misspelt `LOVAGE_...` variables. Never fatal.
  [[nodiscard]] std::vector<std::string> const& warnings() const noexcept { return warnings_; }

  /// The file that `load` or `discover` read; empty when none.
  [[nodiscard]] std::string const& file() const noexcept { return file_; }

  /// The environment alone: `LOVAGE_<SETTING>`, and `CELERY_BROKER_URL`, `CELERY_BROKER_READ_URL`,
  /// `CELERY_BROKER_WRITE_URL` and `CELERY_RESULT_BACKEND` below them. An empty
  /// variable counts as absent.
  [[nodiscard]] static config from_env();

  /// One TOML file alone. Keys stand at the top (`task_serializer = "json"`) or in sections (`[task]`, `serializer`).
  [[nodiscard]] static config load(std::string const& path);

  /// What the programs use: the file, then the environment over it. The file is `path`, else `$LOVAGE_CONFIG`, else
  /// `lovage.toml` here, else `$XDG_CONFIG_HOME/lovage/lovage.toml` (`~/.config/...`). The first two must exist.
  [[nodiscard]] static config discover(std::optional<std::string> const& path = std::nullopt);

 private:
  struct entry {
    std::string_view name;  // points into the table
    value val;
    std::string origin;
  };
  friend class config_access;  // the readers of files and environments in src/config

  config& assign(std::string_view name, value v);
  [[nodiscard]] entry const* find(std::string_view name) const noexcept;
  void read(std::string_view name, std::string& out) const;
  void read(std::string_view name, bool& out) const;
  void read(std::string_view name, maybe_flag_type& out) const;
  void read(std::string_view name, int& out) const;
  void read(std::string_view name, maybe_integer_type& out) const;
  void read(std::string_view name, seconds_type& out) const;
  void read(std::string_view name, names_type& out) const;
  void read(std::string_view name, routes_type& out) const;
  void read(std::string_view name, queues_type& out) const;
  void read(std::string_view name, map_type& out) const;
  void read(std::string_view name, tls_type& out) const;

  template <class Kind, class T>
  static value pack(T const& v) {
    if constexpr (std::integral<T>) {
      return value{v};  // any width: the bounds are checked in one place
    } else {
      return to_value(Kind(v));
    }
  }
  static value to_value(std::string v) { return value{std::move(v)}; }
  static value to_value(maybe_flag_type v) { return v ? value{*v} : value{}; }
  static value to_value(maybe_integer_type v) { return v ? value{*v} : value{}; }
  static value to_value(seconds_type v);
  static value to_value(names_type const& v);
  static value to_value(routes_type const& v);
  static value to_value(queues_type const& v);
  static value to_value(map_type v) { return value{std::move(v)}; }
  static value to_value(tls_type const& v);

  std::vector<entry> entries_;  // those that were set
  std::vector<std::string> warnings_;
  std::string file_;
};

/// The settings as text, one `name = value   # origin` a line in the table's order, for `lovage report`. Those that
/// were set, or all with `with_defaults`. Passwords in URLs and values of secret settings are shown as `**`.
[[nodiscard]] std::string humanize(config const& settings, bool with_defaults = false);

}  // namespace lovage
