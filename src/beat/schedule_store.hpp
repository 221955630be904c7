// The plug point of schedule stores: entries, claims on occurrences, and who leads. Drivers are put through
// tests/conformance/schedule_store_conformance.hpp.
//
//   any scheduler --lead--> the store gives one of them a term, which ends unless it is renewed
//   the leader: read what changed --> what is due --> claim --> send --> note as sent
//                                                      |  dies here: the next leader takes the claim over and sends
//                                                      |  the same task id once more
//
// That an occurrence is sent by one scheduler rests on the claims alone, which are unique. Leading only spares the
// others the work. A claim of a term that is over is refused in the step that would have made it.
#pragma once

#include "beat/entry.hpp"
#include "config/connection_settings.hpp"
#include "core/clock.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::beats {

/// What a driver can do; asked for, never guessed.
struct traits {
  bool many_machines = true;     ///< schedulers on several machines can share it
  bool editable = true;          ///< `put` and `remove`; otherwise its own program is for that
  bool tells = false;            ///< `wait` returns at once when an entry changed; otherwise it is asked now and then
  bool clock_of_server = false;  ///< terms and claims end by the server's clock
};

/// A claim that was not noted as sent for this long is up for taking over.
inline constexpr std::chrono::seconds claim_life{5};
/// Claims are remembered for this long at least after they were sent: nobody is later than that.
inline constexpr std::chrono::hours claim_kept{48};

struct changes {
  std::vector<entry> put;            ///< new or changed, with their state; enabled or not
  std::vector<std::string> removed;  ///< may be told as `all` instead
  bool all = false;                  ///< `put` is all there is: what is not among it is gone
  std::uint64_t counter = 0;         ///< what to give as `since` the next time
};

struct leadership {
  bool mine = false;
  std::uint64_t term = 0;  ///< grows with every change of leader
  std::string holder;
};

/// What its leader makes of one occurrence: everything up to it is then past.
struct decision {
  std::string_view entry;
  time_point due;
  bool send = true;  ///< otherwise it is skipped, and no claim is made
};

struct sent_note {
  std::string_view entry;
  time_point due, at;
  bool last = false;   ///< the entry was for this one only: it is disabled
  bool counts = true;  ///< false: it was not sent and never will be; its claim is settled, the entry stays as it is
};

enum class put_mode { make, change, either };

/// *Threads*: any, concurrently. *On failure*: `unavailable`, `timeout`, `bad_config` as the driver has them.
class schedule_store {
 public:
  virtual ~schedule_store() = default;
  [[nodiscard]] virtual traits abilities() const = 0;

  /// Entries that were put, removed, paused or resumed after `since`; zero: all there are. What claims change is not
  /// told. An entry that cannot be read is logged once and passed over.
  [[nodiscard]] virtual expected<changes> read(std::uint64_t since, deadline until) = 0;
  /// Writes definitions. The state of an entry that is there stays, but `counts_from` is now where its schedule is
  /// another, or where it is enabled again. Errors: `conflict` (`make`, and there is one), `invalid_argument`
  /// (`change`, and there is none), `not_supported`; then nothing was written.
  [[nodiscard]] virtual expected<void> put(std::span<entry const> entries, put_mode mode, deadline until) = 0;
  /// False when there is none. What it has claimed and not sent goes too.
  [[nodiscard]] virtual expected<bool> remove(std::string_view name, deadline until) = 0;
  /// Pauses (false) or resumes. A resumed one does not catch up with its pause. False when there is none.
  [[nodiscard]] virtual expected<bool> enable(std::string_view name, bool on, deadline until) = 0;
  /// The entries of code and configuration are these and no others, whatever stores had of that origin. Those that are
  /// there keep their state, and stay paused; those that say the same as before are no change. One whose name an entry
  /// of another origin has takes its place.
  [[nodiscard]] virtual expected<void> sync(std::span<entry const> own, deadline until) = 0;

  /// Makes `who` the leader if there is none, or renews its term: it ends `lease` from now. A term that would end later
  /// than a lease from now was made before a clock was set back, and is over.
  [[nodiscard]] virtual expected<leadership> lead(std::string_view who, std::chrono::milliseconds lease,
                                                  deadline until) = 0;
  /// Ends its term at once.
  [[nodiscard]] virtual expected<void> resign(std::string_view who, deadline until) = 0;

  /// Decides occurrences, in one step: true for those that are now the caller's to send, false for those that were
  /// skipped, that somebody has claimed before, or whose entry is gone. Error `conflict` when the term is over; then
  /// nothing was decided.
  [[nodiscard]] virtual expected<std::vector<bool>> claim(std::uint64_t term, std::span<decision const> all,
                                                          deadline until) = 0;
  /// They are sent: counted, and never taken over.
  [[nodiscard]] virtual expected<void> note_sent(std::span<sent_note const> all, deadline until) = 0;
  /// Claims older than `claim_life` that nobody noted as sent, claimed anew for this term; at most `limit`. Error
  /// `conflict` as with `claim`.
  [[nodiscard]] virtual expected<std::vector<occurrence>> take_over(std::uint64_t term, std::size_t limit,
                                                                    deadline until) = 0;
  /// Removes claims that were sent longer than `claim_kept` ago; how many.
  [[nodiscard]] virtual expected<std::uint64_t> cleanup(deadline until) = 0;

  /// Sleeps until an entry or the leader may have changed since the last call, or `interrupt`, or the deadline; may
  /// return early. Here: the last two.
  virtual void wait(deadline until);
  /// *Threads*: any.
  virtual void interrupt();

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable woken_;
  bool interrupted_ = false;
};

/// What a driver is made of.
struct store_settings {
  connection_settings connection;
  now_fn now = system_now;
};

/// By the URL's scheme; src/builtin answers, which knows them by name. `connection.urls` may name a file of Django's by
/// `django+` before the scheme of its database. Errors: `bad_config` naming the schemes there are; what the driver
/// says.
[[nodiscard]] expected<std::shared_ptr<schedule_store>> make_schedule_store(store_settings with, deadline until);
/// Whether there is a driver for the URL's scheme.
[[nodiscard]] bool keeps_schedules(std::string_view url) noexcept;

}  // namespace lovage::beats
