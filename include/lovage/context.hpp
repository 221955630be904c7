// What a running task sees of itself and may ask for.
#pragma once

#include <lovage/abi.h>
#include <lovage/codec.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace lovage {

/// Thrown by a body, ends the run and brings the task back later: `throw self.retry(30s);`
class retry_later : public std::exception {
 public:
  /// Why, for the stored RETRY record, and for the failure once retries are used up.
  retry_later& because(std::string type, std::string message) {
    set("type", std::move(type));
    return set("message", std::move(message));
  }
  retry_later& because(std::exception const& e);
  /// Overrides the task's own maximum for this decision.
  retry_later& max_retries(int n) { return set("max_retries", n); }
  [[nodiscard]] char const* what() const noexcept override { return "lovage: the task asks to be retried"; }
  [[nodiscard]] value::map const& options() const noexcept { return options_; }

 private:
  friend class context;
  retry_later& set(std::string key, value v) {
    options_.push_back({std::move(key), std::move(v)});
    return *this;
  }
  value::map options_;
};

/// Thrown by a body: the task is done and leaves no result.
class ignore : public std::exception {
 public:
  [[nodiscard]] char const* what() const noexcept override { return "lovage: the task asks to be ignored"; }
};

/// Thrown by a body: the message is refused. It goes back to its queue (`requeue`) or to the dead set.
class reject : public std::exception {
 public:
  explicit reject(std::string reason = {}, bool requeue = false) : reason_{std::move(reason)}, requeue_{requeue} {}
  [[nodiscard]] char const* what() const noexcept override { return reason_.c_str(); }
  [[nodiscard]] bool requeue() const noexcept { return requeue_; }

 private:
  std::string reason_;
  bool requeue_;
};

/// Thrown by a body: another task or workflow goes on in its place (`context::replace`).
class replaced : public std::exception {
 public:
  explicit replaced(value signature) : signature_{std::move(signature)} {}
  [[nodiscard]] char const* what() const noexcept override { return "lovage: the task asks to be replaced"; }
  [[nodiscard]] value const& signature() const noexcept { return signature_; }

 private:
  value signature_;
};

namespace detail {
/// Of workflows; stands in lovage/canvas.hpp.
template <class Flow>
struct workflow_data {
  static_assert(sizeof(Flow) == 0, "lovage: replace() takes a complete workflow; include <lovage/canvas.hpp>");
};
}  // namespace detail

/// Thrown by lovage's own waits when the soft time limit of the task has passed. Where it leaves the body, the stored
/// result is Celery's SoftTimeLimitExceeded. A body may catch it to clean up.
class soft_time_limit_exceeded : public std::exception {
 public:
  [[nodiscard]] char const* what() const noexcept override { return "lovage: the soft time limit has passed"; }
};

/// Thrown by lovage's own waits when the worker asked the task to end: a cold shutdown, or a revocation.
class stopped : public std::exception {
 public:
  [[nodiscard]] char const* what() const noexcept override { return "lovage: the worker asks the task to end"; }
};

/// Handed to a body whose first parameter is `lovage::context&`. *Threads*: the body's own. *Lifetime*: the run.
class context {
 public:
  context(lovage_host const* host, void* call, std::string_view request)
      : host_{host}, call_{call}, request_{request} {}
  context(context const&) = delete;
  context& operator=(context const&) = delete;

  [[nodiscard]] task_id id() const { return task_id{text("id")}; }
  /// The task's name.
  [[nodiscard]] std::string name() const { return text("task"); }
  /// How often this task was retried before: 0 in the first run.
  [[nodiscard]] int retries() const { return static_cast<int>(number("retries")); }
  /// How often a worker began this very message and died over it: 0 as a rule.
  [[nodiscard]] int attempts() const { return static_cast<int>(number("attempts")); }
  [[nodiscard]] std::string root_id() const { return text("root_id"); }
  [[nodiscard]] std::string parent_id() const { return text("parent_id"); }
  [[nodiscard]] std::string group() const { return text("group"); }
  /// Who sent it, such as "gen4711@host".
  [[nodiscard]] std::string origin() const { return text("origin"); }
  [[nodiscard]] std::string queue() const { return text("queue"); }
  /// Node name of the worker.
  [[nodiscard]] std::string hostname() const { return text("hostname"); }
  /// A custom header of the message; null when it has none of that name.
  [[nodiscard]] value header(std::string_view key) const {
    auto const headers = entry("headers");
    auto const* found = headers.find(key);
    return found ? *found : value{};
  }

  /// To be thrown. Without a countdown: the task's `default_retry_delay`.
  [[nodiscard]] retry_later retry() const { return {}; }
  [[nodiscard]] retry_later retry(std::chrono::duration<double> countdown) const {
    retry_later r;
    r.set("countdown", countdown.count());
    return r;
  }
  /// Not before this moment.
  [[nodiscard]] retry_later retry_at(time_point eta) const {
    retry_later r;
    r.set("eta", datetime::from(eta));
    return r;
  }

  /// To be thrown: this call ends here, stores nothing, and `flow`, which misses nothing, goes on in its place: under
  /// its id, with its links, as its member of a group and its step of a chain. What the last step of `flow` gives is
  /// then the result. *Requires*: `<lovage/canvas.hpp>`.
  ///
  ///     if (n > 100) throw self.replace(lovage::group(part.s(n / 2), part.s(n - n / 2)) | total.s());
  template <class Flow>
  [[nodiscard]] replaced replace(Flow flow) const {
    return replaced{detail::workflow_data<Flow>::of(std::move(flow))};
  }

  /// One more member of the chord whose member this task is: `flow`, which misses nothing, is sent once this task has
  /// succeeded, and the body waits for it, too; its result comes behind those of the header. Celery's `add_to_chord`.
  /// Throws `error{invalid_argument}` when the task is no member of a chord. *Requires*: `<lovage/canvas.hpp>`.
  template <class Flow>
  void add_to_chord(Flow flow) {
    auto const member = entry("in_chord");
    auto const* is = member.get_if<bool>();
    if (!is || !*is) throw error{errc::invalid_argument, "this task is no member of a chord", name()};
    update_state("lovage.add_to_chord", detail::workflow_data<Flow>::of(std::move(flow)));
  }

  /// Stores any state with a value: `self.update_state("UPLOADING", 12)`. Readers see it through `async_result`.
  template <class T>
  void update_state(std::string_view state, T const& meta) {
    packer p;
    codec<T>::write(p, meta);
    host_->update_state(call_, state.data(), state.size(), p.out().data(), p.out().size());
  }
  /// State PROGRESS with {"current", "total"}.
  void progress(std::int64_t current, std::int64_t total) {
    update_state("PROGRESS", value{value::map{{"current", current}, {"total", total}}});
  }

  /// Tells monitors of an event of your own: `self.send_event("task-progress", {{"done", 12}})`. The task's uuid and
  /// what every event has (worker, time) are filled in, and go over fields of those names. Types that begin with
  /// "task-" travel in batches with the worker's own. Never fails: it is lost where the worker sends no events of tasks
  /// (`worker_send_task_events`), where the broker has none, and in workers that are older than this function.
  void send_event(std::string_view type, value::map const& fields = {}) {
    if (host_->size < offsetof(lovage_host, send_event) + sizeof host_->send_event || !host_->send_event) return;
    packer p;
    p.any(value{fields});
    host_->send_event(call_, type.data(), type.size(), p.out().data(), p.out().size());
  }

  /// True once the task should end soon: its soft time limit passed, or the worker shuts down cold.
  [[nodiscard]] bool stop_requested() const noexcept { return host_->stop_requested(call_) != 0; }

  /// Throws `soft_time_limit_exceeded` or `stopped` when the task should end; for loops that compute.
  void throw_if_stopped() const {
    int const why = host_->stop_requested(call_);
    if (why == soft_limit_passed) throw soft_time_limit_exceeded{};
    if (why != 0) throw stopped{};
  }
  /// Waits for this long. Throws as `throw_if_stopped` within 20 ms of the moment when the task should end; with zero
  /// or less it only looks.
  void sleep_for(std::chrono::nanoseconds duration) const {
    auto const end = std::chrono::steady_clock::now() + duration;
    wait_until([] { return false; }, end);
  }
  /// Waits until `holds()` is true, asking every 20 ms; false when it still is not after `limit`. Throws as
  /// `sleep_for`.
  template <class Predicate>
  bool wait(Predicate holds, std::chrono::nanoseconds limit) const {
    return wait_until(std::move(holds), std::chrono::steady_clock::now() + limit);
  }

  void log_debug(std::string_view text) const { host_->log(call_, 0, text.data(), text.size()); }
  void log_info(std::string_view text) const { host_->log(call_, 1, text.data(), text.size()); }
  void log_warning(std::string_view text) const { host_->log(call_, 2, text.data(), text.size()); }
  void log_error(std::string_view text) const { host_->log(call_, 3, text.data(), text.size()); }

 private:
  static constexpr int soft_limit_passed = 2;  // of `lovage_host::stop_requested`

  template <class Predicate>
  bool wait_until(Predicate holds, std::chrono::steady_clock::time_point end) const {
    constexpr std::chrono::nanoseconds step = std::chrono::milliseconds{20};
    for (;;) {
      throw_if_stopped();
      if (holds()) return true;
      auto const left = end - std::chrono::steady_clock::now();
      if (left <= left.zero()) return false;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, step));
    }
  }
  value entry(std::string_view key) const {
    unpacker u{request_};
    for (auto n = u.map(); n > 0; --n) {
      if (u.text() == key) return u.any();
      u.skip();
    }
    return {};
  }
  std::string text(std::string_view key) const {
    auto const v = entry(key);
    auto const* s = v.get_if<std::string>();
    return s ? *s : std::string{};
  }
  std::int64_t number(std::string_view key) const {
    auto const v = entry(key);
    auto const* i = v.get_if<std::int64_t>();
    return i ? *i : 0;
  }

  lovage_host const* host_;
  void* call_;
  std::string_view request_;
};

}  // namespace lovage
