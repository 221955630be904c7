// The dashboard's eyes: hears events, keeps the history, asks brokers and workers.
//
//   events -> receive -> [ cluster, figures ] -> snapshot(), subscribers
//                  \--> pending --> write --> history (SQLite) -> changed tasks to subscribers
//   broker::inspector, remote control, schedule -> look -> queues, worker details, alerts -> tell -> webhook, e-mail
#pragma once

#include "app/app_state.hpp"
#include "monitor/alerts.hpp"
#include "monitor/cluster.hpp"
#include "monitor/figures.hpp"
#include "monitor/history.hpp"
#include "monitor/notify.hpp"

#include <lovage/app.hpp>
#include <lovage/value.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lovage::monitor {

/// How long a broker that is away is tried at a time: so long may a start and an end have to wait for it.
inline constexpr std::chrono::seconds connect_within{3};

struct monitor_settings {
  std::string history_path;  ///< setting `web_history_path`
  retention keep;
  alert_rules rules;
  notify_settings notify;
  std::chrono::milliseconds write_every{250}, look_every{2'000}, ask_every{10'000};

  /// From the app's configuration. Errors: `bad_config`, which names the setting.
  [[nodiscard]] static expected<monitor_settings> of(config const& c);
};

/// A queue as last looked at.
struct queue_picture {
  std::string name;
  std::uint64_t ready = 0;
  std::optional<std::uint64_t> delayed = {}, claimed = {}, dead = {};  ///< nothing: the broker does not tell
  bool paused = false;
  double rate_in = 0, rate_out = 0;   ///< per second: what came is guessed from depth and what workers took
  std::optional<double> oldest = {};  ///< seconds that the oldest message waits; nothing: not known, or none waits
  std::vector<std::string> consumers = {};  ///< workers online that take from it
};

/// What a worker says of itself when it is asked; members are null where it did not answer.
struct worker_details {
  time_point asked{};
  value stats;                ///< as Celery's `inspect stats`
  value active_queues;        ///< list of maps with "name"
  value registered;           ///< list of "name [rate_limit=10/m]"
  value conf;                 ///< with secrets masked
  value active;               ///< list of maps
  value reserved, scheduled;  ///< only of `ask_worker`
  [[nodiscard]] std::vector<std::string> queues() const;
  [[nodiscard]] std::vector<std::string> tasks() const;  ///< names alone
  [[nodiscard]] std::optional<std::string> rate_limit(std::string const& task) const;
  /// How many tasks its pool can run at once; nothing when it did not tell.
  [[nodiscard]] std::optional<std::int64_t> slots() const;
};

struct worker_picture {
  worker_record seen;
  std::optional<worker_details> said;  ///< nothing until it has answered once
  std::vector<running_task> running;
};

struct stream_health {
  bool connected = false;
  std::string fault;                    ///< why not, or what went wrong last; empty: nothing
  std::uint64_t seen = 0, refused = 0;  ///< since the start
  double rate = 0;                      ///< events per second, last 60 s
  std::size_t pending = 0;              ///< events not written yet
};

/// Everything of one moment, made once a second: cheap to ask for.
struct snapshot {
  time_point at{}, up_since{};
  stream_health events;
  std::string history_fault;            ///< empty: it can be written
  std::string broker_fault;             ///< empty: queues could be looked at
  std::vector<worker_picture> workers;  ///< by name
  std::vector<queue_picture> queues;    ///< by name
  counts last_hour;
  rates now;                     ///< over 60 s
  percentiles run, wait, queue;  ///< over 5 minutes
  std::size_t active = 0;        ///< running tasks
  std::vector<alert> alerts;
};

/// Why a task does not run: "not_known", "eta", "paused", "no_consumer", "not_registered", "rate_limit", "busy",
/// "worker_lost", "revoked", "rejected", "dead", "retry", "expired", "running", "waiting".
struct reason {
  std::string code;
  std::string text;  ///< a sentence that names the fix
};

/// What changed, as it changes. Callbacks come from the monitor's threads: quick ones, which call nothing of the
/// monitor but `latest`.
struct change {
  std::vector<task_record> tasks;  ///< changed since the last call; texts cut as in a page
  std::vector<std::string> workers;
  bool second = false;  ///< a new snapshot is there
};

/// Watches one app's broker. A broker that is away is waited for; so is a history that cannot be written, with up to
/// 100,000 events kept meanwhile (then nothing more is taken from the broker, which keeps them as long as it does).
///
///     monitor::monitor eyes{app, monitor::monitor_settings::of(app.state()->settings).value()};
///     eyes.start().value();
///     auto const picture = eyes.latest();
///
/// *Threads*: any; six of its own. *Lifetime*: the app must outlive it.
class monitor {
 public:
  monitor(app& on, monitor_settings with);
  /// Stops.
  ~monitor();
  monitor(monitor const&) = delete;
  monitor& operator=(monitor const&) = delete;

  /// Opens the history and begins: what is sent after this is heard, unless the broker is away, which is no error, or
  /// takes more than `connect_within` to answer. Not again after `stop`. Errors: as `history::open`, `bad_config`.
  [[nodiscard]] expected<void> start();
  /// Writes what is pending, waits for its threads. May come first, and twice.
  void stop();

  /// Never null.
  [[nodiscard]] std::shared_ptr<snapshot const> latest() const;
  /// Requires `start`.
  [[nodiscard]] history& kept() noexcept;
  /// The last `span`: seconds where figures have them, else minutes of the history.
  [[nodiscard]] expected<series> chart(std::chrono::seconds span, std::chrono::seconds step, deadline until);
  /// Ends when what is returned is destroyed; after that no call is running.
  [[nodiscard]] std::shared_ptr<void> subscribe(std::function<void(change const&)> tell);

  /// Asks one worker now, for all of `worker_details`. Error `timeout` when it does not answer.
  [[nodiscard]] expected<worker_details> ask_worker(std::string const& name, deadline until);
  /// Looks at queues and asks workers soon, not only when it is time: after an action.
  void look_again();
  /// Nothing for a task that has ended well or failed.
  [[nodiscard]] expected<std::optional<reason>> why(std::string const& id, deadline until);
  [[nodiscard]] std::vector<alert> recent_alerts() const;
  [[nodiscard]] std::vector<alert_rule_text> alert_rules_text() const;
  [[nodiscard]] monitor_settings const& with() const noexcept;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage::monitor
