// Remote control: asking workers what they do, and telling them what to do.
#pragma once

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>
#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

namespace detail {
class app_state;
class control_client;
}  // namespace detail

/// One worker's answer.
struct node_reply {
  std::string node;  ///< "celery@host"
  value payload;     ///< {"ok": text}, {"error": text}, or what the command gives

  /// The text of an {"error": text}.
  [[nodiscard]] std::optional<std::string> error() const {
    auto const* v = payload.find("error");
    auto const* text = v ? v->get_if<std::string>() : nullptr;
    return text ? std::optional{*text} : std::nullopt;
  }
};

/// Who is meant, and how long answers are waited for. Fluent.
class control_options {
 public:
  using seconds = std::chrono::duration<double>;

  /// These workers only, by node name. Default: all. Answers are then awaited from as many as are named.
  control_options& destination(std::vector<std::string> nodes) { return destination_ = std::move(nodes), *this; }
  /// Workers whose name fits: a glob (`high*@*`), or with matcher "pcre" a regular expression.
  control_options& pattern(std::string text, std::string matcher = "glob") {
    return pattern_ = std::move(text), matcher_ = std::move(matcher), *this;
  }
  /// How long answers are collected in all; default one second, since nobody knows how many workers there are.
  control_options& timeout(seconds s) { return timeout_ = s, *this; }
  /// Enough answers; zero: no limit.
  control_options& limit(std::size_t n) { return limit_ = n, *this; }

  std::vector<std::string> destination_;
  std::string pattern_, matcher_;
  seconds timeout_{1};
  std::size_t limit_ = 0;
};

/// Questions to workers, without effect on them. Each gives what every worker answered, by node name.
///
///     for (auto const& [node, tasks] : app.control().inspect().active()) ...
///
/// *On failure*: as `remote_control::broadcast`.
class inspect {
 public:
  using answers = std::map<std::string, value>;
  using ask = std::function<answers(std::string command, value::map arguments)>;

  explicit inspect(ask how) : ask_{std::move(how)} {}

  /// Lists of tasks that run, are reserved, or wait for their time.
  [[nodiscard]] answers active(bool safe = false) const { return ask_("active", {{"safe", safe}}); }
  [[nodiscard]] answers reserved() const { return ask_("reserved", {}); }
  [[nodiscard]] answers scheduled() const { return ask_("scheduled", {}); }
  /// Ids of revoked tasks.
  [[nodiscard]] answers revoked() const { return ask_("revoked", {}); }
  /// Names of tasks, with these attributes: `{"rate_limit", "max_retries"}`.
  [[nodiscard]] answers registered(std::vector<std::string> const& attributes = {}) const {
    return ask_("registered", {{"taskinfoitems", value::list(attributes.begin(), attributes.end())}});
  }
  [[nodiscard]] answers stats() const { return ask_("stats", {}); }
  [[nodiscard]] answers clock() const { return ask_("clock", {}); }
  [[nodiscard]] answers report() const { return ask_("report", {}); }
  [[nodiscard]] answers ping() const { return ask_("ping", {}); }
  [[nodiscard]] answers active_queues() const { return ask_("active_queues", {}); }
  /// Settings, without secrets.
  [[nodiscard]] answers conf(bool with_defaults = false) const {
    return ask_("conf", {{"with_defaults", with_defaults}});
  }
  /// Where these tasks are: {id: [state, task]}.
  [[nodiscard]] answers query_task(std::vector<task_id> const& ids) const {
    value::list list;
    for (auto const& id : ids) list.emplace_back(id.str());
    return ask_("query_task", {{"ids", std::move(list)}});
  }
  [[nodiscard]] answers memsample() const { return ask_("memsample", {}); }

 private:
  ask ask_;
};

/// Commands to the workers of an app, lovage's and Celery's alike. Keep it: it holds a connection for replies.
///
///     auto control = app.control();
///     control.revoke(id);
///     for (auto const& r : control.ping()) std::cout << r.node << "\n";
///     app.control(control_options{}.destination({"w1@host"})).shutdown();
///
/// *Threads*: any, one call after the other. *On failure*: `error` `unavailable`/`timeout` (the broker), or
/// `not_supported` (it has no mailboxes). That no worker answered is none.
class remote_control {
 public:
  using replies = std::vector<node_reply>;
  using on_reply = std::function<void(node_reply const&)>;

  explicit remote_control(std::shared_ptr<detail::app_state> of, control_options with = {});

  /// Any command with any arguments. `tell` hears of each reply as it comes.
  replies broadcast(std::string command, value::map arguments = {}, on_reply const& tell = {}) {
    return try_broadcast(std::move(command), std::move(arguments), tell).value();
  }
  [[nodiscard]] expected<replies> try_broadcast(std::string command, value::map arguments = {},
                                                on_reply const& tell = {});
  /// Sends a command and waits for no reply.
  void cast(std::string command, value::map arguments = {}) {
    try_cast(std::move(command), std::move(arguments)).value();
  }
  [[nodiscard]] expected<void> try_cast(std::string command, value::map arguments = {});

  [[nodiscard]] lovage::inspect inspect() const;

  replies ping() { return broadcast("ping"); }

  /// Its task is not to be run any more. `terminate` ends it where it runs already, with this signal. This, and what
  /// `revoke_by_stamped_headers` names, is kept by the broker for workers that are away, as `app::revoke` does it,
  /// unless the options name workers.
  replies revoke(task_id const& id, bool terminate = false, std::string signal = "SIGTERM") {
    return revoke(std::vector{id}, terminate, std::move(signal));
  }
  replies revoke(std::vector<task_id> const& ids, bool terminate = false, std::string signal = "SIGTERM") {
    value::list list;
    for (auto const& id : ids) list.emplace_back(id.str());
    return broadcast("revoke", {{"task_id", std::move(list)}, {"terminate", terminate}, {"signal", std::move(signal)}});
  }
  /// All tasks with one of these values of a stamp: {"tenant": ["a", "b"]}.
  replies revoke_by_stamped_headers(value::map headers, bool terminate = false, std::string signal = "SIGTERM") {
    return broadcast("revoke_by_stamped_headers",
                     {{"headers", std::move(headers)}, {"terminate", terminate}, {"signal", std::move(signal)}});
  }
  replies terminate(task_id const& id, std::string signal = "SIGTERM") { return revoke(id, true, std::move(signal)); }
  /// "10/s", "100/m", "1000/h"; "0" takes the limit away.
  replies rate_limit(std::string task, std::string rate) {
    return broadcast("rate_limit", {{"task_name", std::move(task)}, {"rate_limit", std::move(rate)}});
  }
  /// Nothing takes a limit away.
  replies time_limit(std::string task, std::optional<control_options::seconds> soft,
                     std::optional<control_options::seconds> hard = std::nullopt) {
    return broadcast("time_limit", {{"task_name", std::move(task)}, {"soft", count(soft)}, {"hard", count(hard)}});
  }
  replies add_consumer(std::string queue, std::string exchange = {}, std::string exchange_type = {},
                       std::string routing_key = {}) {
    return broadcast("add_consumer", {{"queue", std::move(queue)},
                                      {"exchange", text(std::move(exchange))},
                                      {"exchange_type", text(std::move(exchange_type))},
                                      {"routing_key", text(std::move(routing_key))}});
  }
  replies cancel_consumer(std::string queue) { return broadcast("cancel_consumer", {{"queue", std::move(queue)}}); }
  replies pool_grow(int n = 1) { return broadcast("pool_grow", {{"n", n}}); }
  replies pool_shrink(int n = 1) { return broadcast("pool_shrink", {{"n", n}}); }
  replies pool_restart() { return broadcast("pool_restart"); }
  replies autoscale(int max, int min) { return broadcast("autoscale", {{"max", max}, {"min", min}}); }
  replies enable_events() { return broadcast("enable_events"); }
  replies disable_events() { return broadcast("disable_events"); }
  /// Workers send a heartbeat now.
  void heartbeat() { cast("heartbeat"); }
  /// Workers end as on TERM; nobody replies to it.
  void shutdown() { cast("shutdown"); }

 private:
  static value count(std::optional<control_options::seconds> s) { return s ? value{s->count()} : value{}; }
  static value text(std::string s) { return s.empty() ? value{} : value{std::move(s)}; }

  std::shared_ptr<detail::control_client> client_;
  control_options with_;
};

}  // namespace lovage
