// What is to be sent next: every enabled entry in a heap by the moment of its next occurrence. Pure: no clock, no
// socket, no thread.
//
//   apply (what changed) --> [agenda] --step(now)--> occurrences to decide --> decided / again_at --> [agenda]
//
// Made for a hundred thousand entries: less than a hundred octets each above their texts.
#pragma once

#include "beat/schedule_store.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::beats {

/// *Threads*: one at a time.
class agenda {
 public:
  struct options {
    std::string zone = "UTC";  ///< of crontabs that name none
    /// Of crontabs that have no grace of their own; zero: none.
    periodic_options::seconds cron_grace{0};
  };
  /// An entry's place; good until the next `apply`.
  using place = std::uint32_t;
  /// An occurrence whose time has come.
  struct item {
    place at;
    time_point due;
    bool send;  ///< false: it is too late for it, and what lies before it is past too
  };

  explicit agenda(options with) : with_{std::move(with)} {}
  ~agenda() { clear(); }
  agenda(agenda const&) = delete;
  agenda& operator=(agenda const&) = delete;

  /// Takes over what changed. An entry whose schedule cannot be (its time zone is not known here) is logged and left
  /// out.
  void apply(changes const& what, time_point now);
  /// At most `limit` entries whose time has come, one occurrence each. They come again after `decided` or `again_at`.
  [[nodiscard]] std::vector<item> step(time_point now, std::size_t limit);
  /// What lies up to `due` is past.
  void decided(place at, time_point due);
  /// Nothing was decided: the entry is due again at this moment.
  void again_at(place at, time_point when);
  /// It runs no more.
  void drop(place at);
  /// The occurrence that was sent last.
  void sent(place at, time_point due);

  /// When `step` has something next; nothing: never.
  [[nodiscard]] std::optional<time_point> next() const;
  [[nodiscard]] std::size_t size() const noexcept { return by_name_.size(); }
  /// All of them, by name.
  [[nodiscard]] std::vector<place> const& places() const noexcept { return by_name_; }

  [[nodiscard]] std::optional<place> find(std::string_view name) const;
  [[nodiscard]] std::string_view name(place at) const;
  [[nodiscard]] std::string_view call(place at) const;
  [[nodiscard]] overlap overlapping(place at) const { return static_cast<overlap>(slots_[at].overlap); }
  [[nodiscard]] bool one_off(place at) const { return slots_[at].one_off; }
  [[nodiscard]] std::optional<time_point> last_due(place at) const;
  /// When an occurrence is sent: later than it is due where that is spread.
  [[nodiscard]] time_point sending(place at, time_point due) const { return sending(slots_[at], due); }

 private:
  /// What few entries have; stands before their texts.
  struct rare;
  struct slot {
    schedule when;
    char* texts;  ///< perhaps `rare`; the name and the call, each with a zero octet behind it
    time_point counts_from, wake;
    std::uint32_t heap_at;
    std::uint8_t catching_up, overlap;
    bool one_off : 1, has_rare : 1, owns_texts : 1;  ///< otherwise they are in `chunks_`
  };
  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};

  /// Room for texts: of its own, or in the chunks that all entries of one reading share, which saves what the heap
  /// takes for each.
  struct room {
    char* at;
    bool owned;
  };
  [[nodiscard]] room make_room(std::size_t octets, bool shared, bool aligned);
  void clear();
  void put(entry const& e, time_point now);
  void erase(std::string_view name);
  [[nodiscard]] std::optional<slot> make(entry const& e, time_point now, bool shared);
  [[nodiscard]] std::size_t lower(std::string_view name) const;
  [[nodiscard]] rare* rare_of(slot const& s) const;
  [[nodiscard]] char const* texts_of(slot const& s) const;
  [[nodiscard]] time_point sending(slot const& s, time_point due) const;
  [[nodiscard]] std::optional<time_point> grace_limit(slot const& s, time_point now) const;
  [[nodiscard]] std::optional<time_point> newest(slot const& s, time_point now) const;
  [[nodiscard]] std::optional<item> due_at(place at, time_point now) const;
  void schedule_next(place at);
  void turn_back(time_point now);

  void place_in_heap(std::uint32_t heap_at, place at);
  void up(std::uint32_t heap_at);
  void down(std::uint32_t heap_at);
  void push(place at);
  void take_out(place at);

  options with_;
  std::vector<slot> slots_;
  std::vector<place> heap_;     ///< the soonest `wake` first
  std::vector<place> by_name_;  ///< sorted
  std::vector<place> free_;
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t chunk_left_ = 0;
  time_point seen_{};  ///< the latest moment that `step` was told
};

}  // namespace lovage::beats
