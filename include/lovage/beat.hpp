// Periodic tasks: the scheduler inside a program of one's own, and what can be done with entries at run time.
#pragma once

#include <lovage/app.hpp>
#include <lovage/deadline.hpp>
#include <lovage/periodic.hpp>
#include <lovage/schedule.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lovage {

template <class R>
app& app::periodic(std::string name, schedule const& when, signature<R()> call) {
  return periodic(std::move(name), when, std::move(call), periodic_options{});
}
template <class R>
app& app::periodic(std::string name, schedule const& when, signature<R()> call, periodic_options const& with) {
  return detail::add_periodic(*state_, std::move(name), when, std::move(call).raw(), with), *this;
}

/// What is not set follows the app's configuration.
class beat_options {
 public:
  /// Where entries, claims and who leads are kept; setting `beat_store_url`.
  beat_options& store_url(std::string v) { return store_url_ = std::move(v), *this; }
  /// `run` reacts to SIGTERM and SIGINT (the default). Without, the program calls `stop`.
  beat_options& handle_signals(bool v) { return handle_signals_ = v, *this; }
  /// Answer probes at /healthz and /readyz, and /metrics, on this port over HTTP; 0: any that is free; nothing: none,
  /// whatever the configuration says. Default: setting `beat_health_port`, which is none.
  beat_options& health_port(std::optional<int> v) { return health_port_ = v, *this; }
  /// The address to listen on for them; default: setting `beat_health_host`, 127.0.0.1.
  beat_options& health_host(std::string v) { return health_host_ = std::move(v), *this; }

  std::optional<std::string> store_url_, health_host_;
  std::optional<std::optional<int>> health_port_;
  bool handle_signals_ = true;
};

/// Sends periodic tasks when they are due: those of `app.periodic`, of the setting `beat_schedule`, and of the store.
/// Any number may run on one store: one of them leads, each occurrence is sent once, and when the leader dies another
/// goes on within 15 seconds.
///
///     app.periodic("hourly-sum", lovage::crontab{"0 * * * *"}, shop::add.s(1, 2));
///     return lovage::beat{app}.run();
///
/// *Threads*: one of its own for the work. *Lifetime*: the app must outlive it.
class beat {
 public:
  explicit beat(app& on, beat_options options = {});
  /// Stops.
  ~beat();
  beat(beat const&) = delete;
  beat& operator=(beat const&) = delete;

  /// Runs until SIGTERM, SIGINT or `stop`; 0, or 1 when its store turned out to be none, as the log says. Throws
  /// `error{bad_config}` for settings and entries that cannot be. A store or broker that is away is waited for.
  int run();
  /// The same in the background, without signals; throws as `run`.
  void start();
  /// Ends it: what is being sent is still sent, and the lead is given up. *Threads*: any; may come before `start`, and
  /// twice.
  void stop();
  /// Waits until this one leads; false at the deadline.
  [[nodiscard]] bool wait_leading(deadline until) const;
  /// "http://127.0.0.1:8081" while it answers probes, else empty. *Threads*: any.
  [[nodiscard]] std::string health_url() const;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// An entry as lists show it.
struct periodic_task {
  std::string name;
  std::string schedule, words;  ///< as text that `schedule::parse` reads, and for people
  std::string task;
  value::list args;
  value::map kwargs, options;  ///< of the call
  periodic_options with;
  std::string origin;  ///< "code", "configuration", "store" or "django"
  bool enabled = true;
  std::optional<time_point> last_run_at, next_run_at;
  std::int64_t total_run_count = 0;
  /// When the first run is to be sent that no scheduler has dealt with; in the past: it is late.
  std::optional<time_point> due_at;
};

/// The load of a day.
struct heat_map {
  struct pile_up {
    time_point at;
    std::uint32_t runs;
    std::vector<std::string> entries;  ///< the first few
    std::uint32_t more;                ///< that are not named
  };
  struct quiet_time {
    time_point from, until;
    std::uint64_t runs;
  };
  time_point begin;
  std::vector<std::uint32_t> per_minute;
  std::uint64_t runs = 0;
  std::vector<pile_up> pile_ups;   ///< minutes that are far fuller than others, the fullest first
  std::vector<quiet_time> quiet;   ///< hours, the quietest first
  std::vector<std::string> lines;  ///< all of it for a terminal, in the setting `timezone`
};

/// What to change of an entry; what is not set stays.
struct periodic_change {
  std::optional<schedule> when;
  std::optional<std::string> task;
  std::optional<value::list> args;
  std::optional<value::map> kwargs, options;
  /// Of the entry's options, by name, as the setting `beat_schedule` has them; null goes back to the default.
  value::map with;
};

/// Entries of the store, while schedulers run or not: what `lovage schedule` does.
///
///     lovage::periodic_tasks tasks{app};
///     tasks.add("nightly", lovage::crontab{"0 4 * * *"}, shop::report.s());
///     tasks.pause("nightly");
///
/// Entries of code and configuration are shown, paused, resumed and run, and changed where they are written. *On
/// failure*: throws `error`: `invalid_argument`, `conflict`, `unavailable`, `not_supported`. *Threads*: as the app.
class periodic_tasks {
 public:
  explicit periodic_tasks(app& on);
  ~periodic_tasks();
  periodic_tasks(periodic_tasks&&) noexcept;
  periodic_tasks& operator=(periodic_tasks&&) noexcept;

  /// By name. Those that only this program's code and configuration have are among them.
  [[nodiscard]] std::vector<periodic_task> list();
  [[nodiscard]] std::optional<periodic_task> find(std::string_view name);
  /// Throws `conflict` when the name is taken.
  template <class R>
  void add(std::string name, schedule const& when, signature<R()> call, periodic_options const& with = {}) {
    add_call(std::move(name), when, std::move(call).raw(), with);
  }
  void add_named(std::string name, schedule const& when, std::string task, periodic_change const& more);
  void edit(std::string_view name, periodic_change const& change);
  void pause(std::string_view name);
  void resume(std::string_view name);
  void remove(std::string_view name);
  /// Sends its task now, beside its schedule.
  task_id run(std::string_view name);
  /// The runs of 24 hours from `from` on, minute by minute, of all enabled entries.
  [[nodiscard]] heat_map heat(time_point from);
  /// Where all of that is kept, without password.
  [[nodiscard]] std::string store() const;

 private:
  void add_call(std::string name, schedule const& when, raw_call call, periodic_options const& with);
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage
