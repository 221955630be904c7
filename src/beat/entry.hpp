// A periodic task: what is sent, when, and what became of it so far.
#pragma once

#include <lovage/expected.hpp>
#include <lovage/periodic.hpp>
#include <lovage/schedule.hpp>
#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lovage::beats {

/// Who says that there is this entry. Those of code and configuration are written into the store by the scheduler that
/// leads, and go when it knows them no more.
enum class origin : std::uint8_t { code, configuration, store, django };
[[nodiscard]] std::string_view to_string(origin o) noexcept;

struct entry {
  std::string name;
  schedule when;
  std::string call;  ///< JSON: one task as a signature, as Celery writes it (task, args, kwargs, options)
  periodic_options with;
  origin from = origin::store;
  bool enabled = true;

  /// Occurrences after this moment are still to come. It is that of the last one that was decided, or when the entry
  /// was made, its schedule changed, or it was resumed: what lies before is not caught up with.
  time_point counts_from{};
  std::optional<time_point> last_due, last_run_at;  ///< of the last one that was sent: when it was due, and when it was
  std::int64_t total_run_count = 0;
};

/// The options that are not as by default, by name: seconds, words, moments as ISO text.
[[nodiscard]] value::map option_map(periodic_options const& with);
/// The other way round; members that are no options are passed over. Errors: `decode`, which names the member.
[[nodiscard]] expected<periodic_options> read_options(value::map const& from);

/// What an entry says, without name, state, and whether it is enabled, as one JSON text: what stores keep.
[[nodiscard]] std::string definition_text(entry const& e);
/// The other way round; unknown members (of a later version) are passed over. Errors: `decode`, which names the member.
[[nodiscard]] expected<entry> entry_of(std::string name, std::string_view definition);

/// An occurrence of an entry is known by its name and the moment when it is due.
struct occurrence {
  std::string entry;
  time_point due;
  friend bool operator==(occurrence const&, occurrence const&) = default;
};

/// The id of its task: the same, whoever sends it and however often.
[[nodiscard]] task_id task_id_of(std::string_view entry, time_point due);

[[nodiscard]] inline std::chrono::microseconds whole_us(periodic_options::seconds s) {
  return std::chrono::round<std::chrono::microseconds>(s);
}

/// The moment when an occurrence is sent: later than it is due by the entry's `spread`, the same for all occurrences,
/// and by its `jitter`, which is another for each. Both are made of names: all schedulers agree.
[[nodiscard]] time_point sending_time(std::string_view entry, time_point due, periodic_options const& with);

}  // namespace lovage::beats
