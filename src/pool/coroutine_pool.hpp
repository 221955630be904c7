// Jobs that mostly wait, by the thousand.
//
//     submit() -> waiting -> [opener thread] -> open() -> (the job goes on elsewhere) -> finish() -+
//                                 ^                                                               v
//                                 +------------- a place is free -------------------------- [delivery thread] -> sink
//
// The opener takes a job when fewer than `concurrency` are open. A job that ends within `open` is a plain one: such
// jobs run one after the other. The delivery thread also minds the soft limits. The opener also runs what open jobs ask
// it to.
#pragma once

#include "pool/pool.hpp"
#include "pool/watchdog.hpp"

#include <thread>

namespace lovage::pool {

class coroutine_pool final : public pool {
 public:
  coroutine_pool();
  ~coroutine_pool() override;

  [[nodiscard]] char const* name() const noexcept override { return "coroutine"; }
  [[nodiscard]] expected<void> start(options with) override;
  void submit(std::vector<job>&& jobs) override;
  [[nodiscard]] std::vector<std::uint64_t> withdraw() override;
  void request_stop(std::uint64_t job_id) override;
  bool stop(deadline until) override;
  void kill() override;
  [[nodiscard]] std::vector<int> pids() const override;
  [[nodiscard]] bool enforces_hard_limits() const noexcept override { return false; }
  [[nodiscard]] std::size_t concurrency() const override;
  [[nodiscard]] expected<void> resize(std::size_t concurrency) override;
  /// Cancels what the job waits for, whatever the signal.
  [[nodiscard]] expected<void> terminate(std::uint64_t job_id, int signal) override;
  /// Those in which a job is open; a free one is no place of its own.
  [[nodiscard]] std::vector<slot> slots() const override;
  /// Of the opener while it opens one, and of the event loops.
  void dump_stacks() override;

 private:
  struct shared;
  std::shared_ptr<shared> shared_;  ///< open jobs own it too: they may outlive `kill`
  std::thread opener_, delivery_;
  std::unique_ptr<watchdog> watchdog_;
};

}  // namespace lovage::pool
