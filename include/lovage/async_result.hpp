// The handle of a task that was sent.
#pragma once

#include <lovage/codec.hpp>
#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>
#include <lovage/result_tree.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lovage {

class app;

/// What the result backend knows about a task at one moment.
struct task_status {
  task_id id;
  /// PENDING (nothing known), STARTED, RETRY, SUCCESS, FAILURE, REVOKED, or a custom state.
  std::string state = "PENDING";
  /// The return value, what a custom state carries, or the exception as {"exc_type", "exc_message", "exc_module"}.
  value result;
  std::string traceback;
  /// ISO text of the moment when it was done; empty before.
  std::string date_done;

  /// SUCCESS, FAILURE or REVOKED: nothing comes after.
  [[nodiscard]] bool ready() const noexcept;
  [[nodiscard]] bool successful() const noexcept { return state == "SUCCESS"; }
  /// For FAILURE, REVOKED and RETRY: the error that `get` throws; nothing otherwise.
  [[nodiscard]] std::optional<error_info> failure() const;
};

namespace detail {

class app_state;

/// What every async_result does, whatever its type.
class result_handle {
 public:
  result_handle(std::shared_ptr<app_state> app, task_id id, std::string task,
                std::shared_ptr<result_tree const> tree = {})
      : app_{std::move(app)}, id_{std::move(id)}, task_{std::move(task)}, tree_{std::move(tree)} {}

  [[nodiscard]] task_id const& id() const noexcept { return id_; }
  /// The task's name as it was sent; empty for a handle made from an id alone.
  [[nodiscard]] std::string const& task() const noexcept { return task_; }
  /// Asks the backend now. Throws `lovage::error` when it cannot be reached or none is configured.
  [[nodiscard]] task_status status() const;
  [[nodiscard]] std::string state() const { return status().state; }
  [[nodiscard]] bool ready() const { return status().ready(); }
  [[nodiscard]] bool successful() const { return status().successful(); }
  /// Waits until the task is ready; false at the deadline.
  bool wait(deadline until = deadline::never()) const;
  /// Removes the stored result.
  void forget() const;
  /// The task is not to run: every worker learns of it, those too that are away now and come within three hours. Its
  /// state becomes REVOKED when a worker comes upon it. `terminate`: also when it runs already; `signal` ends its
  /// process. Throws `error`: `unavailable`, `not_supported` where the broker keeps no revocations.
  void revoke(bool terminate = false, std::string const& signal = "TERM") const;

  /// The workflow that ends with this task, as it was sent; of a single task, or a handle made from an id, only itself.
  [[nodiscard]] result_tree tree() const;
  /// As `revoke`, for every task of the workflow: what runs is ended with `terminate`, what has not begun never does.
  void revoke_all(bool terminate = false, std::string const& signal = "TERM") const;
  /// What the task sent when it was done: its links, the next step of its chain, the members of a group. Throws as
  /// `status`.
  [[nodiscard]] std::vector<result_tree> children() const;
  /// Waits for this task and for everything that came of it: id and status of each, a task before its children. Ends at
  /// the deadline with those that are ready.
  [[nodiscard]] std::vector<task_status> collect(deadline until = deadline::never()) const;

 protected:
  /// The ready status, or `timeout`. Throws nothing.
  [[nodiscard]] expected<task_status> ready_status(deadline until) const;
  /// Throws `task_failed` or `error` when the status is a failure; says which step of the workflow failed.
  void raise_failure(task_status const& done) const;
  [[nodiscard]] std::optional<error_info> failure_of(task_status const& done) const;
  [[nodiscard]] error_info wrong_type(error const& e) const;

 private:
  std::shared_ptr<app_state> app_;
  task_id id_;
  std::string task_;
  std::shared_ptr<result_tree const> tree_;
};

}  // namespace detail

/// A result to come. Copies refer to the same task; keeps what it needs of the app alive.
///
///     int five = app.task(shop::add).delay(2, 3).get(10s);
///
/// *Threads*: any, concurrently.
template <class R>
class async_result : public detail::result_handle {
 public:
  using result_handle::result_handle;

  /// Waits for the result.
  /// *On failure*: throws `task_failed` (the task failed), `error` with `timeout`, `revoked`, `decode` (the result is
  /// no R) or `unavailable`.
  R get(deadline until = deadline::never()) const {
    auto const done = ready_status(until).value();
    raise_failure(done);
    return convert(done).value();
  }

  /// The same as a value. A failed task is `errc::task_failed` with "Type: message".
  [[nodiscard]] expected<R> try_get(deadline until) const {
    auto done = ready_status(until);
    if (!done) return fail(done.error());
    if (auto f = failure_of(*done)) return fail(*std::move(f));
    return convert(*done);
  }

 private:
  expected<R> convert(task_status const& done) const {
    if constexpr (std::is_void_v<R>) {
      return {};
    } else {
      try {
        auto const packed = pack(done.result);
        unpacker in{packed};
        return codec<R>::read(in);
      } catch (error const& e) {
        return fail(wrong_type(e));
      }
    }
  }
};

}  // namespace lovage
