// The handle of a group that was sent: many results together.
#pragma once

#include <lovage/async_result.hpp>
#include <lovage/outcome.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace lovage {
namespace detail {

/// What every group_result does, whatever its types.
class group_handle {
 public:
  group_handle(std::shared_ptr<app_state> app, result_tree tree);

  /// Of the group itself.
  [[nodiscard]] std::string const& id() const noexcept { return tree_->id; }
  /// Of the tasks whose results these are, in order.
  [[nodiscard]] std::vector<task_id> const& ids() const noexcept { return ids_; }
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] result_tree const& tree() const noexcept { return *tree_; }

  /// Asks the backend now, for all at once, in order. Throws `error`: `unavailable`.
  [[nodiscard]] std::vector<task_status> statuses() const;
  /// How many succeeded.
  [[nodiscard]] std::size_t completed_count() const;
  /// Every one is done, however it ended. An empty group is ready and successful.
  [[nodiscard]] bool ready() const;
  [[nodiscard]] bool successful() const;
  /// At least one failed or was revoked.
  [[nodiscard]] bool failed() const;
  /// At least one is not done.
  [[nodiscard]] bool waiting() const { return !ready(); }

  /// Calls `each` with the place and status of every task as it finishes, until all did or the deadline passes. Returns
  /// how many finished. Throws as `statuses`, and what `each` throws.
  std::size_t for_each_ready(std::function<void(std::size_t, task_status const&)> const& each,
                             deadline until = deadline::never()) const;
  /// Waits until every one is done; false at the deadline.
  bool wait(deadline until = deadline::never()) const;

  /// As `async_result::revoke`, for every task and for the steps before them.
  void revoke(bool terminate = false, std::string const& signal = "TERM") const;
  /// Removes the stored results, and the group if it was saved.
  void forget() const;
  /// Keeps the list of its tasks in the backend, for `app::restore_group`, for as long as results are kept.
  /// Throws `error`: `unavailable`, `not_supported` where the backend keeps no groups.
  void save() const;

 protected:
  /// Every result in order, once all are there. The first failure that is seen ends the wait. Throws nothing.
  [[nodiscard]] expected<value::list> joined(deadline until) const;
  /// As `joined`, throws what `async_result::get` throws.
  [[nodiscard]] value::list join_or_throw(deadline until) const;
  [[nodiscard]] std::shared_ptr<app_state> const& app() const noexcept { return app_; }

 private:
  /// The first failure among these, or their results.
  [[nodiscard]] std::vector<task_status> wait_for_all(deadline until) const;

  std::shared_ptr<app_state> app_;
  std::shared_ptr<result_tree const> tree_;
  std::vector<task_id> ids_;
};

}  // namespace detail

/// The results of a group. `Outcome` is `group_of<...>` or `group_of_many<T>`.
///
///     auto [n, text] = app.send(lovage::group(add.s(1, 2), show.s(3))).get(10s);
///
/// *Threads*: any, concurrently.
template <class Outcome>
class group_result : public detail::group_handle {
 public:
  using group_handle::group_handle;
  using joined_type = detail::element_t<Outcome>;

  /// Waits for all and gives their results in order: a vector where all are of one type, else a tuple. Celery's `join`.
  /// *On failure*: as `async_result::get`, for the first member that is seen to fail.
  joined_type get(deadline until = deadline::never()) const { return convert(join_or_throw(until)); }
  /// The same; errors as values.
  [[nodiscard]] expected<joined_type> try_get(deadline until) const {
    auto all = joined(until);
    if (!all) return fail(all.error());
    try {
      return convert(*std::move(all));
    } catch (error const& e) {
      return fail(e.info());
    }
  }

 private:
  joined_type convert(value::list all) const {
    auto const packed = pack(value{std::move(all)});
    unpacker in{packed};
    return codec<joined_type>::read(in);
  }
};

}  // namespace lovage
