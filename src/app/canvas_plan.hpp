// From a workflow to what is sent now: the first tasks, with all that follows in their options, and the chords whose
// parts will be counted.
#pragma once

#include "app/canvas_tree.hpp"
#include "backend/chord.hpp"

#include <cstddef>
#include <vector>

namespace lovage::detail {

/// The task that stands for a body which the backend keeps; its argument `group` names the chord.
inline constexpr char const* chord_body_task = "lovage.chord_body";

/// Takes what a plan comes to, piece by piece: a large group never stands in memory twice.
class canvas_sink {
 public:
  virtual ~canvas_sink() = default;
  /// A chord; always before the calls of its header. `ahead`: its header is sent later, by a worker, and this is to
  /// keep its body until then.
  [[nodiscard]] virtual expected<void> announce(backend::chord_start chord, bool ahead) = 0;
  /// One task to send now; its options say the rest.
  [[nodiscard]] virtual expected<void> call(wire::signature task) = 0;
};

/// A plan in memory.
class canvas_list final : public canvas_sink {
 public:
  [[nodiscard]] expected<void> announce(backend::chord_start chord, bool ahead) override {
    (ahead ? ahead_ : chords_).push_back(std::move(chord));
    return {};
  }
  [[nodiscard]] expected<void> call(wire::signature task) override {
    calls_.push_back(std::move(task));
    return {};
  }
  std::vector<backend::chord_start> chords_, ahead_;
  std::vector<wire::signature> calls_;
};

/// Which bodies are kept by reference. The members of a header carry its body, whose members carry the next one: what
/// that comes to is looked at as a whole, and where it is more than `limit` octets, bodies that are not small are kept
/// in the backend instead, each once. Zero: none is.
void choose_references(canvas_tree& c, std::size_t limit);

/// *Requires*: it is frozen. Errors: those of the sink.
[[nodiscard]] expected<void> plan(canvas_tree c, canvas_sink& to);

/// How many calls `plan` will make.
[[nodiscard]] std::size_t calls_of(canvas_tree const& c) noexcept;
/// Where a chord cannot be counted, as `not_supported`.
[[nodiscard]] failure no_chord_counter(std::string where);
/// Whether something in it counts as a chord.
[[nodiscard]] bool has_chords(canvas_tree const& c) noexcept;

}  // namespace lovage::detail
