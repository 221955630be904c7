// One task on its way through a worker, and what its steps cause.
#pragma once

#include "app/app_state.hpp"
#include "app/registry.hpp"
#include "app/task_options.hpp"
#include "backend/chord.hpp"
#include "broker/transport.hpp"
#include "core/clock.hpp"
#include "wire/event.hpp"
#include "wire/result_record.hpp"
#include "wire/task_message.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lovage::execute {

struct request;

/// What happened to a task, as monitors see it.
enum class task_stage { received, started, succeeded, failed, retried, revoked, rejected };

/// What stays the same for every request of a worker.
struct policy {
  task_registry::impl const* tasks = nullptr;
  task_options defaults;
  wire::decode_options accept;
  std::string node;                     ///< "celery@host"
  detail::publish_settings publishing;  ///< of messages the worker sends: retries, links, next steps
  std::uint32_t delivery_limit = 5;     ///< attempts before the dead set; zero: no limit
  bool result_extended = false;
  bool store_results = true;                  ///< a backend is configured
  bool chords = true;                         ///< the backend counts them
  bool hard_limits = false;                   ///< the pool can kill
  bool exchanges = false;                     ///< the broker has exchanges
  bool inherit_priority = false;              ///< `task_inherit_parent_priority`
  std::function<double()> uniform;            ///< numbers in [0, 1)
  std::atomic<bool> const* events = nullptr;  ///< whether monitors want to hear of tasks; null: never
  /// Hears of every stage, in the thread that concludes; must not wait or throw. The time is a success's run time.
  std::function<void(task_stage, request const&, std::chrono::nanoseconds)> observe = {};
};

/// A decoded message of a known task.
struct request {
  wire::task_message message;
  std::uint64_t job = 0;  ///< the worker's own number for this delivery
  queue_name queue;
  int priority = 0;
  std::uint32_t attempts = 0;
  task_entry const* entry = nullptr;
  task_options options;
  bool settled = false;    ///< acknowledged before the run (acks_late off)
  std::size_t octets = 0;  ///< of the message's body, as it came

  std::string exchange = {}, routing_key = {};  ///< by which it came; the queue's name where the broker has none
  bool redelivered = false;
  std::vector<value> added = {};  ///< signatures that its body added to its chord

  /// "shop.add[6f1c...]", for log lines; the shadow name where there is one.
  [[nodiscard]] std::string label() const;
};

/// What becomes of a delivery, by its job number.
struct closing {
  std::uint64_t job = 0;
  broker::disposition how = broker::disposition::done;
  std::string reason;
  /// The task is over and what it left is stored: another delivery of the same call is a copy and need not run.
  bool over = false;
};

/// A member of a chord's header that has ended, to be counted once its record is stored.
struct ended_part {
  backend::chord_part part;
  value body;           ///< as the member carries it; null where the backend keeps it
  std::string root_id;  ///< of the workflow
  std::optional<int> priority = {};
};

/// Chords that are to be known before messages go out.
struct chord_news {
  std::vector<backend::chord_start> now;    ///< whose headers these messages are
  std::vector<backend::chord_start> later;  ///< whose bodies are to be kept until then
};

struct grown_chord {
  std::string group;
  std::vector<task_id> added;  ///< the parts that come with it
};

/// Messages, and what may happen only once they are out.
struct sequel {
  std::vector<broker::outgoing> messages;
  std::vector<wire::result_record> records;
  std::vector<closing> closings;
  std::vector<task_id> waiting = {};     ///< later steps of its chain, which fail when a message is refused for good
  bool after_records = false;            ///< only once the records of `effects` are stored, which its receivers read
  std::vector<wire::event> events = {};  ///< told with its records
  chord_news chords = {};                ///< announced before the messages go
  std::vector<ended_part> parts = {};    ///< counted after its records are stored
  std::vector<ended_part> lost = {};     ///< counted as failed when a message is refused for good: of `waiting`
  std::vector<std::string> ended = {};   ///< chords whose bodies the messages are
  std::vector<grown_chord> grown = {};   ///< chords that the messages add to; told before they go
  bool may_have_run = false;  ///< the task may have sent the messages in an earlier life: what has a record stays here
};

/// A worker that knows no kept bodies counted a chord to its end, and called what stands in the body's place.
struct kept_body {
  backend::chord_end end;  ///< its parts are results only
  ended_part by;
  closing delivery;
};

/// What is to be done: sequels, records, parts of chords, sequels that wait for records, closings; a sequel's own
/// records, parts and closings once its messages are out.
struct effects {
  std::vector<sequel> sequels;
  std::vector<wire::result_record> records;
  std::vector<closing> closings;
  std::vector<wire::event> events = {};  ///< for monitors, once the records are stored
  std::vector<ended_part> parts = {};
  std::vector<kept_body> bodies = {};
  std::vector<std::string> ended = {};  ///< chords that are over: the backend may forget them
  [[nodiscard]] bool empty() const noexcept {
    return sequels.empty() && records.empty() && closings.empty() && events.empty() && parts.empty() &&
           bodies.empty() && ended.empty();
  }
  void clear() { *this = {}; }
  /// What may happen once the messages of this one are out.
  void add(sequel&& s);
};

/// A record of this request's id with the fields every state has.
[[nodiscard]] wire::result_record make_record(request const& r, policy const& with, std::string_view status,
                                              value result);

/// Why a task failed: the exception, and the text that helps whoever reads it.
struct failure_cause {
  wire::exception_info exception;
  std::optional<std::string> traceback = {};
  bool call_errbacks = true;  ///< false where the message can be sent again from the dead set
};

/// Stores FAILURE (unless ignored) for it and for the later steps of its chain, calls its errbacks, and closes it as
/// `how`; logs.
void fail_request(request const& r, policy const& with, failure_cause const& why, broker::disposition how,
                  time_point now, effects& out);

/// Stores REVOKED (unless ignored) and closes it as done; logs. `reason` is Celery's: "revoked", "expired",
/// "terminated". As in Celery, later steps of its chain are not told.
/// `signum`: of the signal that ended it, when it ran.
void revoke_request(request const& r, policy const& with, char const* reason, time_point now, effects& out,
                    std::optional<int> signum = std::nullopt);

/// A chord does not wait for a member whose chain ended early; of the steps themselves nothing is stored.
void fail_chords_to_come(request const& r, wire::result_record const& ended, policy const& with, effects& out);

/// Sends it again, to come at `due`, and closes this delivery: it waits in the broker. False when it cannot be encoded.
[[nodiscard]] bool postpone(request const& r, policy const& with, std::optional<time_point> due, effects& out);

}  // namespace lovage::execute
