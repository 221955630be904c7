// Functions with a stack of their own, which are left in the middle and gone on with later. For code that calls and
// waits where what it waits for does not: middleware around a coroutine.
//
//     resume() ------> body ... suspend() --+
//     returns <-----------------------------+
//     resume() ------> suspend() returns ... the body's end
//     returns <------------------------------+        ended()
#pragma once

#include <lovage/expected.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace lovage {

/// Stacks for fibers: each has a page before it that must not be touched, so that one who needs more dies at once and
/// writes nowhere else. Pages that were never reached cost nothing. *Threads*: any.
class fiber_stacks {
 public:
  /// `keep` stacks that are not used lie ready for the next.
  explicit fiber_stacks(std::size_t size = default_size, std::size_t keep = 64);
  ~fiber_stacks();
  fiber_stacks(fiber_stacks const&) = delete;
  fiber_stacks& operator=(fiber_stacks const&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// The lowest byte of a stack. Error `internal` when the system gives no more.
  [[nodiscard]] expected<char*> take();
  void give_back(char* stack) noexcept;

  static constexpr std::size_t default_size = std::size_t{256} * 1024;

 private:
  std::size_t const page_, size_, keep_;
  std::mutex m_;
  std::vector<char*> free_;
};

/// *Threads*: the one that resumed it first, always: compilers keep what belongs to a thread (addresses of thread-local
/// variables, even the thread's own id) over a call, and a body that woke up in another thread would use the former
/// one's. *Lifetime*: one that is suspended must be resumed to its end, or what lies on its stack is not destroyed.
class fiber {
 public:
  /// `body` must not throw. Error `internal` when there is no memory for a stack.
  [[nodiscard]] static expected<std::unique_ptr<fiber>> make(std::shared_ptr<fiber_stacks> stacks,
                                                             std::function<void()> body);
  ~fiber();
  fiber(fiber const&) = delete;
  fiber& operator=(fiber const&) = delete;

  /// Runs the body until it suspends or ends. *Requires*: `!ended()`, and not from within the body.
  void resume();
  /// From within the body: `resume` returns; this returns with the next one.
  void suspend();
  [[nodiscard]] bool ended() const noexcept;

 private:
  struct state;
  explicit fiber(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

}  // namespace lovage
