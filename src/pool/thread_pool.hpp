// Jobs on threads of this process: `threads` (N of them) and `solo` (one).
//
//     submit() -> waiting -> [slot thread]* -> outbox -> [delivery thread] -> sink
//
// A slot takes one job at a time, never a batch, so no job waits behind a long one while a slot is free. What happens
// goes to one outbox, which one thread empties as a whole: the sink sees vectors that grow with the load.
#pragma once

#include "pool/pool.hpp"
#include "pool/watchdog.hpp"

#include <mutex>
#include <thread>

namespace lovage::pool {

class thread_pool final : public pool {
 public:
  /// `fixed` overrules `options::concurrency` when it is not zero.
  thread_pool(char const* name, std::size_t fixed);
  ~thread_pool() override;

  [[nodiscard]] char const* name() const noexcept override { return name_; }
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
  [[nodiscard]] std::vector<slot> slots() const override;
  void dump_stacks() override;

 private:
  struct shared;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] expected<void> add_slot();
  void join(bool leave_busy);

  char const* name_;
  std::size_t fixed_;
  std::shared_ptr<shared> shared_;  ///< slots own it too: a thread left by kill() must not touch freed memory
  std::mutex resizing_;             ///< guards `slots_` once the pool runs
  std::vector<std::thread> slots_;
  std::thread delivery_;
  std::unique_ptr<watchdog> watchdog_;
};

}  // namespace lovage::pool
