// Workflows as graphs: named tasks, each with the tasks that it waits for. Beyond Celery; run by lovage's workers.
#pragma once

#include <lovage/app.hpp>
#include <lovage/drawing.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lovage {

class workflow;

/// A task of a workflow that gives an R, to be named as input of others.
template <class R>
class workflow_node {
 public:
  using result_type = R;

  /// Begins only once `earlier` has succeeded, and takes nothing from it.
  template <class Other>
  workflow_node& after(workflow_node<Other> const& earlier);
  /// When it fails for good, it is sent again this often, with this delay, whatever the task says of itself. Zero: the
  /// task's own word counts alone.
  workflow_node& retries(int times, std::chrono::duration<double> delay = std::chrono::seconds{1});

  [[nodiscard]] std::size_t index() const noexcept { return index_; }

 private:
  friend class workflow;
  template <class>
  friend class workflow_node;
  workflow_node(workflow& of, std::size_t index) : of_{&of}, index_{index} {}
  workflow* of_;
  std::size_t index_;
};

/// Tasks by name, and what each needs from others. Sent as one: what it is made of is kept once, by the result backend.
///
///     lovage::workflow order{"order"};
///     auto stock = order.add("reserve", shop::reserve.s(7));
///     auto paid = order.add("charge", shop::charge.s(7));
///     order.add("ship", shop::ship.s(), stock, paid);           // ship(what reserve gave, what charge gave)
///     auto run = app.send(order);
///     run.wait(1min);
///
/// Every node runs once all that it waits for has succeeded. When one fails for good, the workflow has failed: what
/// does not depend on it still runs to its end, and `workflow_run::resume` goes on from there. *Threads*: one. Nodes
/// must not outlive it.
class workflow {
 public:
  explicit workflow(std::string name = "workflow") : name_{std::move(name)} {}
  workflow(workflow const&) = delete;
  workflow& operator=(workflow const&) = delete;

  /// A call that misses one argument for each input: what those give is put in front, in this order. Throws
  /// `error{invalid_argument}` for a name that is taken, or has other characters than letters, digits, '_' and '-'.
  template <class R, class... M, class... Inputs>
  workflow_node<R> add(std::string name, signature<R(M...)> call, workflow_node<Inputs> const&... inputs) {
    static_assert(sizeof...(M) == sizeof...(Inputs), "lovage: a node has one input for each argument that it misses");
    if constexpr (sizeof...(M) == sizeof...(Inputs)) {
      static_assert((detail::accepts<Inputs, std::remove_cvref_t<M>> && ...),
                    "lovage: an input of this node gives another type than the argument takes");
    }
    return {*this, add_node(std::move(name), std::move(call).raw(), {inputs.index_...})};
  }

  /// What a node waits for, and how it is called.
  struct node {
    std::string name;
    value signature;
    std::vector<std::size_t> inputs, after;
    int retries = 0;
    double retry_delay_s = 1;
  };
  [[nodiscard]] std::string const& name() const noexcept { return name_; }
  [[nodiscard]] std::vector<node> const& nodes() const noexcept { return nodes_; }
  [[nodiscard]] node& at(std::size_t index) { return nodes_.at(index); }

 private:
  std::size_t add_node(std::string name, raw_call call, std::vector<std::size_t> inputs);
  std::string name_;
  std::vector<node> nodes_;
};

template <class R>
template <class Other>
workflow_node<R>& workflow_node<R>::after(workflow_node<Other> const& earlier) {
  return of_->at(index_).after.push_back(earlier.index_), *this;
}
template <class R>
workflow_node<R>& workflow_node<R>::retries(int times, std::chrono::duration<double> delay) {
  of_->at(index_).retries = times;
  of_->at(index_).retry_delay_s = delay.count();
  return *this;
}

/// How one node stands.
struct workflow_node_status {
  std::string name, task;
  std::vector<std::string> waits_for;  ///< names
  task_status status;                  ///< PENDING before it is sent
};

/// A workflow that was sent. *Threads*: any, concurrently. Functions throw `error`: `unavailable`, and
/// `invalid_argument` where the backend knows no workflow of this id (any more).
class workflow_run {
 public:
  workflow_run(std::shared_ptr<detail::app_state> app, task_id id) : app_{std::move(app)}, id_{std::move(id)} {}

  /// Of the whole: also the id of a result, the map of what its last nodes gave by their names.
  [[nodiscard]] task_id const& id() const noexcept { return id_; }
  /// STARTED, SUCCESS, FAILURE (a node failed), REVOKED (it was cancelled, or a node was revoked or expired).
  [[nodiscard]] task_status status() const;
  /// Waits until it has succeeded, failed or been cancelled; false at the deadline.
  bool wait(deadline until = deadline::never()) const;
  /// Waits for it. Throws as `async_result::get`; `task_failed::step` names the node.
  value get(deadline until = deadline::never()) const;
  /// Of one node.
  template <class R = value>
  [[nodiscard]] async_result<R> result(std::string const& node) const {
    return async_result<R>{app_, node_id(node), std::string{}};
  }

  [[nodiscard]] std::vector<workflow_node_status> nodes() const;
  struct progress_counts {
    std::size_t all = 0, succeeded = 0, failed = 0, running = 0;
  };
  [[nodiscard]] progress_counts progress() const;

  /// Nothing of it that has not begun begins; with `terminate`, what runs is ended. It cannot be resumed.
  void cancel(bool terminate = false);
  /// Sends the nodes that failed once more; what depends on them comes after. Returns how many. Zero: none failed.
  std::size_t resume();

  /// Its nodes with their states.
  [[nodiscard]] drawing draw() const;

 private:
  [[nodiscard]] task_id node_id(std::string const& node) const { return task_id{id_.str() + '.' + node}; }
  std::shared_ptr<detail::app_state> app_;
  task_id id_;
};

namespace detail {
expected<task_id> send_graph(app_state& app, workflow const& flow, deadline until);
}  // namespace detail

}  // namespace lovage
