// The result backend plug point. Drivers are put through tests/conformance/backend_conformance.hpp.
#pragma once

#include "backend/chord.hpp"
#include "backend/run_claim.hpp"
#include "broker/transport.hpp"
#include "config/connection_settings.hpp"
#include "core/clock.hpp"
#include "wire/result_record.hpp"
#include "wire/result_tuple.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>
#include <lovage/types.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lovage::backend {

/// Waits for any number of results at once. *Threads*: one at a time, `interrupt` from any.
class watch {
 public:
  virtual ~watch() = default;
  virtual void add(std::span<task_id const> ids) = 0;
  virtual void remove(task_id const& id) = 0;
  /// Waits until records of watched ids were written since the last call (or are there at the first) and returns the
  /// newest of each. An id whose record is ready leaves the watch. Empty at the deadline or after `interrupt`.
  /// Errors: `decode` and the like, told once for a record that cannot be read, which leaves the watch too;
  /// `unavailable` at the deadline when the server cannot be reached, `bad_config` at once when it refuses us.
  [[nodiscard]] virtual expected<std::vector<wire::result_record>> next(deadline until) = 0;
  virtual void interrupt() = 0;
};

/// What a driver can do; asked for, never guessed.
struct traits {
  /// Every program on the same URL reads a record. Otherwise only the one that sent the task, by the record's
  /// `reply_to`, and only what came while it was there.
  bool readable_by_all = true;
  /// When `store` returns, the record can be read, with all its fields, until it expires. Otherwise it is a message:
  /// shortened (wire-format 7.7), read a little later, and kept as long as its reader likes.
  bool keeps_records = true;
  bool clock_of_server = false;  ///< whether a record has expired is decided, and cleaned up, by the server
  bool chords = true;            ///< counts chords and keeps groups; otherwise all of that is `not_supported`
};

/// Whoever has claimed a chord and does not send its body within this time has lost it to the next who asks.
inline constexpr std::chrono::seconds chord_claim{30};
/// How long it is known that a chord is over: a header that is sent once more, by a task that ran twice, and members
/// that are run once more start nothing in this time.
inline constexpr std::chrono::seconds chord_over{3'600};
/// Parts of a chord that nobody has started, such as one told again after its end, go after this even where results
/// are kept for ever.
inline constexpr std::chrono::seconds stray_parts{86'400};
/// How long a body is kept that is stored when its workflow is sent, for a chord that begins later: steps before it may
/// take longer than results are kept. Zero: for ever.
[[nodiscard]] constexpr std::chrono::seconds kept_bodies(std::chrono::seconds expires) noexcept {
  return expires.count() == 0 ? expires : expires + std::chrono::hours{24 * 30};
}

/// *Threads*: any, concurrently.
class result_backend {
 public:
  virtual ~result_backend() = default;
  [[nodiscard]] virtual traits abilities() const { return {}; }
  /// Comes before the first task is sent whose result this program wants; cheap from the second call on. Where
  /// `traits::readable_by_all` this has nothing to do.
  [[nodiscard]] virtual expected<void> expect_replies(deadline until) {
    (void)until;
    return {};
  }
  /// Writes all in one step. A stored SUCCESS is final and is not overwritten (wire-format 7.3); any other record is
  /// replaced. Records carry their own expiry, counted from now; zero: kept for ever.
  [[nodiscard]] virtual expected<void> store(std::span<wire::result_record const> records, std::chrono::seconds expires,
                                             deadline until) = 0;
  /// One per id, in order; PENDING for those that are not there.
  [[nodiscard]] virtual expected<std::vector<wire::result_record>> fetch(std::span<task_id const> ids,
                                                                         deadline until) = 0;
  [[nodiscard]] virtual expected<void> forget(std::span<task_id const> ids, deadline until) = 0;
  [[nodiscard]] virtual expected<std::unique_ptr<watch>> make_watch() = 0;
  /// Removes what has expired; number removed. Reading never shows an expired record, cleaned or not.
  [[nodiscard]] virtual expected<std::uint64_t> cleanup(deadline until) = 0;

  /// Announces chords: comes before their headers are sent; one that is over stays so. What is kept for a chord goes
  /// when its body was sent, or after `expires` (zero: stays).
  [[nodiscard]] virtual expected<void> start_chords(std::span<chord_start const> chords, std::chrono::seconds expires,
                                                    deadline until) {
    (void)chords, (void)expires, (void)until;
    return no_chords();
  }
  /// Counts parts, and in the same step claims the chords which that completes. `bodies` has one per part: what is kept
  /// with a claim unless the chord was started with one. A chord comes out of this once, and once more only after
  /// `chord_claim` has passed without `end_chords`. Parts of chords that nobody started are kept until somebody does,
  /// for `expires` or `stray_parts`.
  [[nodiscard]] virtual expected<std::vector<chord_end>> count_parts(std::span<chord_part const> parts,
                                                                     std::span<value const> bodies,
                                                                     std::chrono::seconds expires, deadline until) {
    (void)parts, (void)bodies, (void)expires, (void)until;
    return no_chords();
  }
  /// Their bodies are sent: forgets all but that, for `chord_over`.
  [[nodiscard]] virtual expected<void> end_chords(std::span<std::string const> groups, deadline until) {
    (void)groups, (void)until;
    return no_chords();
  }
  /// Claims the chords whose claim has run out: those who were to send the bodies have died. At most `limit`.
  [[nodiscard]] virtual expected<std::vector<chord_end>> claim_chords(std::size_t limit, deadline until) {
    (void)limit, (void)until;
    return std::vector<chord_end>{};
  }
  /// More parts are to come: tasks that a member adds to its own chord. An id counts once, however often it is told: a
  /// member that is run again tells the same ones. Nothing for a chord that is over.
  [[nodiscard]] virtual expected<void> grow_chord(std::string const& group, std::span<task_id const> added,
                                                  deadline until) {
    (void)group, (void)added, (void)until;
    return no_chords();
  }
  /// What `chord_start::body` was; null when nothing is kept.
  [[nodiscard]] virtual expected<value> chord_body(std::string const& group, deadline until) {
    (void)group, (void)until;
    return no_chords();
  }

  /// `GroupResult.save()`: the members' ids under the group's.
  [[nodiscard]] virtual expected<void> store_group(wire::result_tuple const& group, std::chrono::seconds expires,
                                                   deadline until) {
    (void)group, (void)expires, (void)until;
    return no_chords();
  }
  /// Nothing when no such group was saved.
  [[nodiscard]] virtual expected<std::optional<wire::result_tuple>> fetch_group(std::string const& id, deadline until) {
    (void)id, (void)until;
    return no_chords();
  }
  [[nodiscard]] virtual expected<void> forget_group(std::string const& id, deadline until) {
    (void)id, (void)until;
    return no_chords();
  }

  /// Which sendings run, one answer for each: true for the first text that asks for an id, as often as it asks (its
  /// message is delivered again after a worker's death), false for any other text. In one atomic step for each id, and
  /// within the batch in its order. Known for `keep` from the first claim on (zero: for ever), then anybody may claim
  /// anew; a claim is removed by `cleanup` once it has expired, and `forget` leaves it alone.
  /// Errors: `not_supported` where other programs would not see the claim.
  [[nodiscard]] virtual expected<std::vector<bool>> claim_runs(std::span<run_claim const> claims,
                                                               std::chrono::seconds keep, deadline until) {
    (void)claims, (void)keep, (void)until;
    return fail(errc::not_supported,
                "this result backend keeps no claims on tasks; use redis:// or sqlite:// (result_backend)");
  }

 private:
  [[nodiscard]] static failure no_chords() {
    return fail(errc::not_supported,
                "this result backend keeps no groups and counts no chords; use redis:// or sqlite:// (result_backend)");
  }
};

/// What a driver is made of.
struct settings {
  connection_settings connection;
  now_fn now = system_now;
  std::string serializer = "json";                  ///< `result_serializer`
  std::vector<std::string> accept_content{"json"};  ///< serializers that are read
  std::chrono::seconds expires{86'400};             ///< `result_expires`; zero: for ever
  std::string reply_to;                             ///< this program's name as a reader, for `rpc://`
  bool persistent = false;                          ///< `result_persistent`
  value::map table_names, table_schemas;            ///< `database_table_names`, `database_table_schemas`
  std::string database, django_database;            ///< `database_url`, `django_database_url`
  /// The broker of the same program, for `rpc://`.
  std::function<expected<std::shared_ptr<broker::transport>>(deadline)> transport;
};

/// The settings of these URLs, all else as by default.
[[nodiscard]] inline settings at(std::string urls, now_fn now = system_now) {
  settings out;
  out.connection.urls = std::move(urls);
  out.now = std::move(now);
  return out;
}

}  // namespace lovage::backend
