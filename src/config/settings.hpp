// The rows of settings.inc at run time, and how a name finds its row.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lovage::settings {

enum class kind {
  url,
  text,
  choice,
  flag,
  maybe_flag,
  integer,
  maybe_integer,
  seconds,
  names,
  routes,
  queues,
  annotations,
  map,
  tls
};

struct setting {
  std::string_view name;
  bool in_effect;
  kind type;                 ///< of a row in effect, as are the next three
  std::string_view initial;  ///< default as on a command line; empty is none
  std::string_view bounds;   ///< see settings.inc
  std::string_view example;  ///< as on a command line
  std::string_view old;      ///< further spellings, separated by spaces
  std::string_view text;     ///< description; of a row without effect the reason, which may be empty
};

/// All rows, in the file's order.
[[nodiscard]] std::span<setting const> table() noexcept;

/// The row of exactly this name; nullptr when there is none.
[[nodiscard]] setting const* find(std::string_view name) noexcept;

/// The row that this spelling means: its name, NAME, CELERY_NAME or an old name; nullptr when unknown.
[[nodiscard]] setting const* find_spelling(std::string_view spelling) noexcept;

/// The name of a row that `wrong` resembles; empty when nothing is near.
[[nodiscard]] std::string_view nearest(std::string_view wrong);

/// The one of `names` that `wrong` resembles; empty when nothing is near.
[[nodiscard]] std::string_view nearest_of(std::string_view wrong, std::span<std::string_view const> names);

/// True when rows begin with `prefix` and an underscore, so that a file may have `[prefix]`.
[[nodiscard]] bool is_section(std::string_view prefix) noexcept;
/// The section that `wrong` resembles; empty when nothing is near.
[[nodiscard]] std::string nearest_section(std::string_view wrong);

/// Celery's rule for names whose values are not shown: they contain API, TOKEN, KEY, SECRET, PASS, SIGNATURE, DATABASE.
[[nodiscard]] bool is_secret(std::string_view name);
/// The same for a member of a setting that is a map, where many a name with "key" in it is no secret (`routing_key`,
/// `ssl_keyfile`, `unacked_key`, `global_keyprefix`).
[[nodiscard]] bool is_secret_member(std::string_view name);

/// "unknown setting 'x'; did you mean 'y'?"
[[nodiscard]] std::string unknown_text(std::string_view name);
/// "worker_direct: known to Celery, has no effect in lovage 0.1", with the reason when there is one.
[[nodiscard]] std::string inert_text(setting const& row);

}  // namespace lovage::settings
