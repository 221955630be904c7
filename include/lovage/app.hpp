// The application: configuration, tasks, sending, results.
#pragma once

#include <lovage/async_result.hpp>
#include <lovage/canvas.hpp>
#include <lovage/config.hpp>
#include <lovage/control.hpp>
#include <lovage/define.hpp>
#include <lovage/group_result.hpp>
#include <lovage/task.hpp>

#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <vector>

namespace lovage {

class app;
class workflow;
class workflow_run;
class batch;
class schedule;
class periodic_options;
struct batch_run;
struct drawing;

/// What is known of a registered task, for listings.
struct task_info {
  std::string name;
  struct parameter {
    std::string name, type;
  };
  std::vector<parameter> parameters;
  std::string returns;
  value::map options;  ///< limits that were set, by Celery's names
  std::string source;  ///< file of the plug-in; "this program" otherwise
};

/// The tasks that this process can run. *Threads*: fill it before a worker runs.
class task_registry {
 public:
  task_registry();
  ~task_registry();
  task_registry(task_registry&&) noexcept;
  task_registry& operator=(task_registry&&) noexcept;

  /// As `library::define`. Throws `error{invalid_argument}` when the name is taken.
  template <class R, class... A, class Body>
  void define(task<R(A...)> const& declaration, Body body, limits with = {}) {
    library{begin_definitions()}.define(declaration, std::move(body), std::move(with));
    end_definitions();
  }

  /// As `library::command`. Throws `error{invalid_argument}` when the name is taken.
  template <class Body>
  void command(char const* name, Body body) {
    library{begin_definitions()}.command(name, std::move(body));
    end_definitions();
  }

  /// Everything else that a plug-in can add: hooks, middleware.
  ///
  ///     app.tasks().extend([](lovage::library& lib) { lib.on_worker_ready([](auto const& facts) { ... }); });
  template <class F>
  void extend(F&& add) {
    library lib{begin_definitions()};
    std::forward<F>(add)(lib);
    end_definitions();
  }

  /// Loads a plug-in. Throws `error{plugin}` in one sentence that names the file: not found, no plug-in (symbol
  /// missing), made for another ABI, a task name that is taken. Never unloaded.
  void load(std::string const& path);

  /// Sorted by name.
  [[nodiscard]] std::vector<task_info> list() const;
  [[nodiscard]] bool contains(std::string_view name) const;

  class impl;
  [[nodiscard]] impl& internals() noexcept { return *impl_; }
  [[nodiscard]] impl const& internals() const noexcept { return *impl_; }

 private:
  lovage_registry const* begin_definitions();
  void end_definitions();
  std::unique_ptr<impl> impl_;
};

namespace detail {

/// Sending without types. All calls go out in one batch: all or none where the broker can.
expected<std::vector<task_id>> send_raw(app_state& app, std::vector<raw_call>&& calls, deadline until);

/// Messages that the broker has, of all that are sent now (later steps are sent by workers); of all, zero where nobody
/// knows how many that will be.
using send_progress = std::function<void(std::size_t sent, std::size_t all)>;

/// Sends a workflow without types.
expected<result_tree> send_workflow(app_state& app, value signature, deadline until, send_progress const& progress);
/// A group of what `next` gives, until it gives nothing. `all`: how many that will be; zero: not known.
expected<result_tree> send_members(app_state& app, std::function<std::optional<value>()> const& next, std::size_t all,
                                   deadline until, send_progress const& progress);
/// A group that was saved under this id.
expected<std::optional<result_tree>> saved_group(app_state& app, std::string const& id, deadline until);

void add_periodic(app_state& app, std::string name, schedule const& when, raw_call call, periodic_options const& with);

/// The handle of a workflow of this outcome.
template <class Outcome>
struct sent_as {
  using type = async_result<Outcome>;
  static type make(std::shared_ptr<app_state> app, result_tree tree) {
    task_id id{tree.id};
    return {std::move(app), std::move(id), std::string{}, std::make_shared<result_tree const>(std::move(tree))};
  }
};
template <class Outcome>
  requires is_group<Outcome>
struct sent_as<Outcome> {
  using type = group_result<Outcome>;
  static type make(std::shared_ptr<app_state> app, result_tree tree) { return {std::move(app), std::move(tree)}; }
};

template <class T>
T value_or_throw(expected<T> e) {
  return std::move(e).value();
}

}  // namespace detail

/// A declared task on one app: `app.task(shop::add).delay(2, 3)`.
template <class Task>
class bound_task {
 public:
  using result = async_result<typename Task::result_type>;

  bound_task(app& on, Task declaration) : app_{on}, declaration_{declaration} {}

  /// Sends a call with these arguments; what does not fit the declaration does not compile.
  /// Returns when the broker has it. Throws `error`: `unavailable`, `timeout`, `no_space`, `encode`.
  template <class... Given>
  result delay(Given&&... given) const;
  /// The same; errors as values.
  template <class... Given>
  [[nodiscard]] expected<result> try_delay(Given&&... given) const;

 private:
  app& app_;
  Task declaration_;
};

/// Sends tasks and reads results; a worker runs on one. Connections are made on first use.
///
///     lovage::app app{lovage::config{}.broker_url("sqlite:///shop.db")};
///     int five = app.task(shop::add).delay(2, 3).get(10s);
///
/// *Threads*: any, concurrently, but for `tasks()`. *Lifetime*: results may outlive it.
class app {
 public:
  /// Throws `error{bad_config}` for settings that contradict each other. Opens nothing yet.
  explicit app(config settings = config::discover());
  ~app();
  app(app&&) noexcept;
  app& operator=(app&&) noexcept;

  [[nodiscard]] config const& settings() const noexcept;
  [[nodiscard]] task_registry& tasks() noexcept;

  /// Asks this function where a call goes, before `task_routes`: the first of several that gives an answer counts. What
  /// the call itself says stays. *Requires*: comes before the first call is sent and before a worker runs.
  ///
  ///     app.route_with([](std::string_view task, value::list const&, value::map const& kwargs) {
  ///       return lovage::find(kwargs, "express") ? std::optional{route_options{"fast"}} : std::nullopt;
  ///     });
  app& route_with(router ask);

  /// Calls this before each call is made into a message, also of a workflow's tasks that this program sends: it may
  /// still add headers or change options. What it throws is logged, and the call is sent. *Requires*: as `route_with`.
  /// *Threads*: those that send.
  app& before_publish(std::function<void(raw_call&)> f);
  /// Calls this once the broker has a call. Otherwise as `before_publish`.
  app& after_publish(std::function<void(std::string const& task, task_id const& id)> f);

  /// Sends this call whenever the schedule says so, while a `beat` runs on this app. Throws `error{invalid_argument}`
  /// for a name that is taken, or none. *Requires*: `<lovage/beat.hpp>`; comes before a `beat` is made.
  ///
  ///     app.periodic("hourly-sum", lovage::crontab{"0 * * * *"}, shop::add.s(1, 2));
  template <class R>
  app& periodic(std::string name, schedule const& when, signature<R()> call);
  template <class R>
  app& periodic(std::string name, schedule const& when, signature<R()> call, periodic_options const& with);

  template <class R, class... A>
  [[nodiscard]] bound_task<lovage::task<R(A...)>> task(lovage::task<R(A...)> const& declaration) {
    return {*this, declaration};
  }

  /// Sends a complete call, with its options.
  template <class R>
  async_result<R> send(signature<R()> call) {
    return detail::value_or_throw(try_send(std::move(call)));
  }
  template <class R>
  [[nodiscard]] expected<async_result<R>> try_send(signature<R()> call);
  template <class R, class M, class... More>
  void send(signature<R(M, More...)> const&) {
    static_assert(detail::always_false<R>, "lovage: this signature still misses arguments and cannot be sent");
  }

  /// Sends a workflow: what it gives comes by an `async_result`, of a group by a `group_result`. A large group goes out
  /// in batches, each of which is told to `progress` with how many of the messages the broker has. Throws as `delay`,
  /// and `error{not_supported}` for a chord where the result backend counts none.
  ///
  ///     int n = app.send(lovage::group(add.s(1, 1), add.s(2, 2)) | total.s()).get(10s);
  template <class Outcome>
  auto send(canvas<Outcome()> flow, detail::send_progress const& progress = {}) {
    return detail::value_or_throw(try_send(std::move(flow), progress));
  }
  template <class Outcome>
  [[nodiscard]] expected<typename detail::sent_as<Outcome>::type> try_send(canvas<Outcome()> flow,
                                                                           detail::send_progress const& progress = {}) {
    auto tree = detail::send_workflow(*state_, std::move(flow).to_value(), send_deadline(), progress);
    if (!tree) return fail(tree.error());
    return detail::sent_as<Outcome>::make(state_, *std::move(tree));
  }
  template <class Outcome, class M, class... More>
  void send(canvas<Outcome(M, More...)> const&) {
    static_assert(detail::always_false<Outcome>, "lovage: this workflow still misses arguments; give them by with()");
  }

  /// Sends a group that is never in memory as a whole: the range makes each member, a signature or a workflow that ends
  /// in one result, when its turn has come. What stays is the ids, some 400 octets a member. Throws as above, and what
  /// the range throws; members that went out before that run.
  ///
  ///     auto mails = app.send_group(users | std::views::transform([](user const& u) { return mail.s(u.id); }));
  template <std::ranges::input_range Members>
  auto send_group(Members&& members, detail::send_progress const& progress = {});

  /// Sends a workflow of named nodes (`<lovage/workflow.hpp>`). Throws as above, and `error{invalid_argument}` for
  /// nodes that wait for each other.
  workflow_run send(workflow const& flow);
  /// One that was sent earlier or elsewhere.
  [[nodiscard]] workflow_run workflow_of(task_id id);
  /// Sends a batch (`<lovage/batch.hpp>`), its tasks in portions that are told to `progress`. Throws as above, and
  /// `error{invalid_argument}` for one without tasks.
  batch_run send(batch const& of, detail::send_progress const& progress = {});

  /// The group that was saved under this id (`group_result::save`), also by a Python program; nothing when there is
  /// none. Throws `error`: `unavailable`, `not_supported`.
  template <class Outcome = group_of_many<value>>
  [[nodiscard]] std::optional<group_result<Outcome>> restore_group(std::string const& id) {
    auto tree = detail::value_or_throw(detail::saved_group(*state_, id, send_deadline()));
    if (!tree) return std::nullopt;
    return group_result<Outcome>{state_, *std::move(tree)};
  }

  /// The tasks of a workflow with their states, as a graph: of a handle's `tree()`, or by the id of a named workflow, a
  /// saved group, or a task and what came of it. Names of tasks are there where `result_extended` is on. Throws
  /// `error{unavailable}`. *Requires*: `<lovage/drawing.hpp>`.
  [[nodiscard]] drawing draw(result_tree const& tree);
  [[nodiscard]] drawing draw(task_id const& id);

  /// Sends many calls in batches: far faster than one by one. Results are in the order of the calls.
  template <class Range>
  auto send_many(Range&& calls);

  /// A task known by name only, such as a Python one.
  async_result<value> send_named(std::string name, value::list args = {}, value::map kwargs = {},
                                 call_options options = {});

  /// Asks and commands the workers of this app's broker.
  [[nodiscard]] remote_control control(control_options with = {}) const {
    return remote_control{state_, std::move(with)};
  }

  /// The handle of a task sent earlier or elsewhere.
  template <class R = value>
  [[nodiscard]] async_result<R> result(task_id id) {
    return async_result<R>{state_, std::move(id), std::string{}};
  }

  /// As `async_result::revoke`, for many.
  void revoke(std::span<task_id const> ids, bool terminate = false, std::string const& signal = "TERM");

  /// Tasks with one of these values of a stamp, sent before or after, are not to be run:
  ///
  ///     app.send(shop::pack.s(item).stamp("order", "7"));
  ///     app.revoke_by_stamped_headers({{"order", {"7"}}});
  ///
  /// As with ids, the broker keeps it for workers that are away, three hours as a rule. `terminate` ends, with this
  /// signal, what runs already. Throws `error`: `unavailable`; `not_supported` where the broker keeps none.
  void revoke_by_stamped_headers(stamp_values const& stamps, bool terminate = false,
                                 std::string const& signal = "TERM");

  /// Follows many results at once over one connection: calls `on_change` with the place in `ids` and the newest status,
  /// for every change of state until all are ready or the deadline passes. Returns how many are ready.
  std::size_t follow(std::span<task_id const> ids,
                     std::function<void(std::size_t, task_status const&)> const& on_change,
                     deadline until = deadline::never());

  [[nodiscard]] std::shared_ptr<detail::app_state> const& state() const noexcept { return state_; }

 private:
  [[nodiscard]] deadline send_deadline() const;
  std::shared_ptr<detail::app_state> state_;
};

template <class R>
expected<async_result<R>> app::try_send(signature<R()> call) {
  std::string name = call.raw().task;
  std::vector<raw_call> calls;
  calls.push_back(std::move(call).raw());
  auto ids = detail::send_raw(*state_, std::move(calls), send_deadline());
  if (!ids) return fail(ids.error());
  return async_result<R>{state_, std::move(ids->front()), std::move(name)};
}

template <class Range>
auto app::send_many(Range&& calls) {
  using call_type = std::remove_cvref_t<decltype(*std::begin(calls))>;
  using R = typename call_type::result_type;
  static_assert(std::same_as<call_type, signature<R()>>, "lovage: send_many takes complete signatures of one type");
  std::vector<raw_call> raw;
  for (auto&& call : calls) raw.push_back(call.raw());
  std::vector<std::string> names;
  for (auto const& call : raw) names.push_back(call.task);
  auto ids = detail::value_or_throw(detail::send_raw(*state_, std::move(raw), send_deadline()));
  std::vector<async_result<R>> out;
  out.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) out.emplace_back(state_, std::move(ids[i]), std::move(names[i]));
  return out;
}

template <std::ranges::input_range Members>
auto app::send_group(Members&& members, detail::send_progress const& progress) {
  using member = std::remove_cvref_t<std::ranges::range_reference_t<Members>>;
  static_assert(detail::step<member>, "lovage: send_group takes a range of signatures or workflows");
  using R = detail::outcome_t<member>;
  static_assert(std::same_as<detail::missing_t<member>, detail::params<>>,
                "lovage: a member of this group still misses arguments");
  static_assert(!detail::is_group<R>, "lovage: a member of a group that is sent in portions ends in one result");
  std::size_t all = 0;
  if constexpr (std::ranges::sized_range<Members>) all = std::ranges::size(members);
  auto at = std::ranges::begin(members);
  bool begun = false;
  auto const next = [&]() -> std::optional<value> {
    if (std::exchange(begun, true)) ++at;
    if (at == std::ranges::end(members)) return std::nullopt;
    return detail::step_value(std::remove_cvref_t<decltype(*at)>(*at));
  };
  auto tree = detail::value_or_throw(detail::send_members(*state_, next, all, send_deadline(), progress));
  return group_result<group_of_many<R>>{state_, std::move(tree)};
}

template <class Task>
template <class... Given>
typename bound_task<Task>::result bound_task<Task>::delay(Given&&... given) const {
  static_assert(sizeof...(Given) == Task::arity, "lovage: delay() takes exactly the task's arguments");
  if constexpr (sizeof...(Given) == Task::arity) {
    return app_.send(declaration_.s(std::forward<Given>(given)...));
  } else {
    return result{app_.state(), task_id{}, std::string{}};
  }
}

template <class Task>
template <class... Given>
expected<typename bound_task<Task>::result> bound_task<Task>::try_delay(Given&&... given) const {
  static_assert(sizeof...(Given) == Task::arity, "lovage: try_delay() takes exactly the task's arguments");
  return app_.try_send(declaration_.s(std::forward<Given>(given)...));
}

}  // namespace lovage
