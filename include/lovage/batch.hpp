// Many tasks that end together: callbacks for success, for failure, and for the end whatever it was. Beyond Celery.
#pragma once

#include <lovage/app.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

/// What came of a batch; what its callbacks are given.
struct batch_summary {
  std::string id;    ///< of the batch, as a group
  std::string name;  ///< as it was made
  std::int64_t total = 0, succeeded = 0, failed = 0;
  std::vector<std::string> failed_ids;  ///< of tasks that failed for good, were revoked or expired
};

template <>
struct codec<batch_summary>
    : fields<batch_summary, field<"id", &batch_summary::id>, field<"name", &batch_summary::name>,
             field<"total", &batch_summary::total>, field<"succeeded", &batch_summary::succeeded>,
             field<"failed", &batch_summary::failed>, field<"failed_ids", &batch_summary::failed_ids>> {};

/// Unlike a chord, a batch does not care what its tasks give, and ends in order when some of them fail.
///
///     lovage::batch import{"import"};
///     for (auto const& row : rows) import.add(shop::import_row.s(row));
///     import.on_success(shop::publish.s()).on_failure(shop::alarm.s()).on_complete(shop::archive.s());
///     auto run = app.send(import);
///     lovage::batch_summary all = run.summary.get(1h);
///
/// Callbacks are sent once, when the last task has ended; each misses a `batch_summary`, or nothing. A task of the
/// batch adds more to it by `context::add_to_chord`. Run by lovage's workers; tasks may be Python's as long as they
/// succeed. *Threads*: one.
class batch {
 public:
  explicit batch(std::string name = "batch") : name_{std::move(name)} {}

  /// A call or workflow that misses nothing.
  template <detail::step S>
  batch& add(S call) {
    static_assert(std::same_as<detail::missing_t<S>, detail::params<>>, "lovage: a task of a batch misses nothing");
    return members_.push_back(detail::step_value(std::move(call))), *this;
  }
  /// Called when every task succeeded.
  template <detail::step S>
  batch& on_success(S then) {
    return add_callback(on_success_, std::move(then));
  }
  /// Called when the last task has ended and at least one did not succeed.
  template <detail::step S>
  batch& on_failure(S then) {
    return add_callback(on_failure_, std::move(then));
  }
  /// Called when the last task has ended, however.
  template <detail::step S>
  batch& on_complete(S then) {
    return add_callback(on_complete_, std::move(then));
  }

  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  /// As Celery would write it: a chord, with a body of lovage's own.
  [[nodiscard]] value to_value() const {
    value::map callbacks{{"on_success", on_success_}, {"on_failure", on_failure_}};
    value::map options;
    if (!on_complete_.empty()) options.push_back({"link", on_complete_});
    auto body = detail::make_signature("lovage.batch_end", {}, {{"name", name_}}, std::move(options), {}, false);
    detail::set_member(*body.get_if<value::map>(), "lovage_batch", std::move(callbacks));
    return detail::make_chord(members_, std::move(body));
  }

 private:
  template <detail::step S>
  batch& add_callback(value::list& to, S then) {
    static_assert(detail::can_follow<batch_summary, detail::missing_t<S>>,
                  "lovage: a callback of a batch misses a batch_summary, or nothing");
    return to.push_back(detail::later_step(std::move(then))), *this;
  }
  std::string name_;
  value::list members_, on_success_, on_failure_, on_complete_;
};

/// A batch that was sent.
struct batch_run {
  group_result<group_of_many<value>> tasks;  ///< to watch, save or revoke them
  async_result<batch_summary> summary;       ///< ready once all have ended and the callbacks are on their way
};

}  // namespace lovage
