// `celery.chord_unlock`: the task by which Python's clients end a chord where their backend counts no parts. It asks
// after the members until all have ended (wire-format 8.4).
#pragma once

#include "execute/request.hpp"
#include "wire/result_tuple.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace lovage::execute {

[[nodiscard]] bool asks_after_chord(request const& r) noexcept;

/// What one of them says.
struct polled_chord {
  std::string group;
  value body;
  std::vector<wire::result_tuple> members;
  std::chrono::duration<double> interval{1};
  std::optional<std::int64_t> max_retries;

  /// Error `decode`.
  [[nodiscard]] static expected<polled_chord> of(request const& r);
  /// The tasks whose results it waits for.
  [[nodiscard]] std::vector<task_id> awaited() const;
};

/// `records`: of `awaited`, in its order. All have ended: the body is sent, or told of the failure. Else the message
/// comes again after the interval; one that has come too often fails the chord.
void conclude_polled(request const& r, polled_chord&& c, std::vector<wire::result_record> const& records,
                     policy const& with, time_point now, effects& out);

}  // namespace lovage::execute
