// A task call as data, and the containers made of them (wire-format 3.1, 3.2). Nothing here sends.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::wire {

/// What a signature's `task`/`subtask_type` make of it.
enum class signature_kind { task, chain, group, chord, map, starmap, chunks };

/// One call of a task, or a container of calls.
///
///     auto s = signature::from_value(embed.callbacks[0]);
///     if (s) s->apply_partial({result});          // add(10) as a callback of 5 becomes add(5, 10)
///
/// *Threads*: as std::string.
struct signature {
  std::string task;
  value::list args;
  value::map kwargs;
  value::map options;                       ///< calling options; which ones: wire-format 3.1
  std::optional<std::string> subtask_type;  ///< "chain", "group", "chord"; none for a task
  bool immutable = false;                   ///< takes no partial arguments
  value::map extra;                         ///< keys of other releases (`chord_size`), kept

  /// In Python's order, every key.
  [[nodiscard]] value to_value() const&;
  [[nodiscard]] value to_value() &&;
  /// `subtask_type` and `immutable` may be missing; `args`, `kwargs` and `options` must be there, since Python fails
  /// without. *On failure*: `decode`, where "signature.<key>".
  [[nodiscard]] static expected<signature> from_value(value v);

  [[nodiscard]] signature_kind kind() const noexcept;

  /// Puts `more_args` in front and merges `more_kwargs` over; an immutable signature ignores both.
  void apply_partial(value::list more_args, value::map more_kwargs = {});

  /// Option by name; nullptr when it is missing or null.
  [[nodiscard]] value const* option(std::string_view name) const noexcept;
  void set_option(std::string_view name, value v);
  void remove_option(std::string_view name);

  friend bool operator==(signature const&, signature const&) = default;
};

/// Steps of a chain in calling order, or members of a group. *On failure*: `decode` ("signature.kwargs.tasks[1].args");
/// `invalid_argument` for another kind.
[[nodiscard]] expected<std::vector<signature>> members(signature container);

/// A chord taken apart. The header is a list before the chord is frozen and a group after: both are read.
struct chord_parts {
  std::vector<signature> header;
  signature body;
  value::map header_options;  ///< of the group, when the header was one (`task_id` is the group's id)
  bool header_is_group = false;
  friend bool operator==(chord_parts const&, chord_parts const&) = default;
};
[[nodiscard]] expected<chord_parts> split_chord(signature chord);

/// The id by which what a frozen signature calls first is known: a task's; a group's for a group, and for a chord,
/// whose header it is. Empty where there is none.
[[nodiscard]] std::string first_id(value const& frozen);

/// map, starmap or chunks taken apart: `task` is called once for each element of `items`.
struct map_parts {
  signature task;
  value::list items;
  std::int64_t chunk_size = 0;  ///< of chunks, else 0
  friend bool operator==(map_parts const&, map_parts const&) = default;
};
[[nodiscard]] expected<map_parts> split_map(signature map);

[[nodiscard]] signature make_chain(std::vector<signature> steps);
[[nodiscard]] signature make_group(std::vector<signature> members);
/// The header as a list, as Python has it before freezing.
[[nodiscard]] signature make_chord(std::vector<signature> header, signature body);
/// *Requires*: `kind` is map, starmap or chunks; `chunk_size` counts for chunks only.
[[nodiscard]] signature make_map(signature_kind kind, signature task, value::list items, std::int64_t chunk_size = 0);

}  // namespace lovage::wire
