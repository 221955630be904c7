// What `ps` shows of a fork server and its children: Celery's "[lovage: w1@host:ForkPoolWorker-3: shop.add]".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lovage::pool {

/// The memory in which the kernel looks for the command line. The worker puts one long variable in front of the
/// environment of its fork server, so that there is room behind the arguments and no other variable has to move.
///
/// *Threads*: one.
class process_title {
 public:
  /// The variable, to be the first of the environment; `worker` is the worker's title.
  [[nodiscard]] static std::string variable(std::string_view worker);
  /// Takes over what `variable` made, and removes it from the environment; without it, titles are not shown. An empty
  /// one when the environment has NOSETPS, as in Celery.
  [[nodiscard]] static process_title claim();

  /// The worker's title.
  [[nodiscard]] std::string const& worker() const noexcept { return worker_; }
  /// Shows "[lovage: <worker>:<role>]", or with `what` "[lovage: <worker>:<role>: <what>]"; cut where room ends.
  void show(std::string_view role, std::string_view what) noexcept;
  /// What is shown, ends with a zero byte. Async-signal-safe.
  [[nodiscard]] char const* shown() const noexcept { return at_ != nullptr ? at_ : ""; }

 private:
  std::string worker_;
  char* at_ = nullptr;
  std::size_t room_ = 0;
};

}  // namespace lovage::pool
