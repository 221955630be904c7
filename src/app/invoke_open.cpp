// Calls that may go on when the body's function has returned, with hooks and middleware.
//
// Middleware is a function that calls the rest and waits for it, so it is run on a fiber:
//
//     opener's thread                                          anywhere
//       prerun; fiber: middleware ... next() suspends
//       the body, on this thread's own stack: it detaches
//       ... opens other calls                                  the coroutine goes on, and finishes
//       fiber: next() returns ... middleware's end  <---------
//       success, failure or retry; postrun; the host's finish
//
// The same thread goes on with the fiber (see core/fiber.hpp). The body stays off the fiber's small stack.
#include "app/call_face.hpp"
#include "app/invoke.hpp"
#include "core/log.hpp"

#include <atomic>
#include <mutex>

namespace lovage {
namespace {

using stop_function = void (*)(void* self);

/// Nobody hears how it ends but its host. Lives until both the body's `run` has returned and the call was finished,
/// whichever is last.
class open_call : public calls::any_call {
 public:
  explicit open_call(std::shared_ptr<open_host> h) : any_call{*h}, owner_{std::move(h)} {}
  virtual ~open_call() = default;
  open_call(open_call const&) = delete;
  open_call& operator=(open_call const&) = delete;

  [[nodiscard]] void* handle() noexcept { return static_cast<any_call*>(this); }
  static open_call& of(void* handle) noexcept { return *static_cast<open_call*>(static_cast<any_call*>(handle)); }

  /// Until the body, and then the body. It may be gone afterwards.
  void open(task_entry const& entry, std::string_view request, std::string_view arguments);
  int detach(stop_function stop, void* self) noexcept {
    detached_ = true;
    if (stop != nullptr) calls::guarded([&] { when_stopped(stop, self); });
    return 1;
  }
  void driven_by(post_function post, void* self) noexcept {
    calls::guarded([&] { owner_->driven_by(post, self); });
  }
  void finish(lovage_outcome kind, std::string_view data) noexcept {
    if (finished_.exchange(true)) return;
    calls::guarded([&] { end({kind, std::string{data}}); });
    drop(false);
  }

 protected:
  virtual void begin() {}
  virtual void when_stopped(stop_function stop, void* self) {
    owner_->when_stopped([stop, self] { stop(self); });
  }
  virtual void end(outcome&& how) { owner_->finish(std::move(how)); }
  /// Both are over; `by_opener`: in the opener's thread.
  virtual void leave(bool by_opener) {
    (void)by_opener;
    delete this;
  }
  [[nodiscard]] open_host& owner() noexcept { return *owner_; }

 private:
  void drop(bool by_opener) noexcept {
    if (holders_.fetch_sub(1) == 1) leave(by_opener);
  }

  std::shared_ptr<open_host> owner_;
  std::atomic<bool> detached_{false}, finished_{false};
  std::atomic<int> holders_{2};
};

void on_open_finish(void* handle, int kind, char const* data, std::size_t size) {
  open_call::of(handle).finish(static_cast<lovage_outcome>(kind), {data, size});
}

void on_driver(void* handle, post_function post, void* self) { open_call::of(handle).driven_by(post, self); }
int on_detach(void* handle, stop_function stop, void* self) { return open_call::of(handle).detach(stop, self); }

constexpr lovage_host open_face{sizeof(lovage_host), &on_open_finish, &calls::on_state, &calls::on_stop,
                                &calls::on_log,      &on_detach,      &calls::on_event, &on_driver};

void open_call::open(task_entry const& entry, std::string_view request, std::string_view arguments) {
  begin();
  entry.run(entry.body, &open_face, handle(), request.data(), request.size(), arguments.data(), arguments.size());
  if (!detached_ && !finished_.exchange(true)) {
    calls::guarded([&] { end(calls::no_outcome()); });
    drop(true);
  }
  drop(true);
}

/// Hooks hear how it ends.
class told_call : public open_call {
 public:
  told_call(std::shared_ptr<open_host> h, task_entry const& entry, hook_table const& hooks, std::string_view request)
      : open_call{std::move(h)}, entry_{entry}, hooks_{hooks}, request_{request} {}

 protected:
  void end(outcome&& how) override {
    if (calls::hears_of_ends(hooks_))
      calls::guarded([&] { calls::tell_end(entry_, hooks_, {&calls::hook_face, handle(), request_}, how); });
    open_call::end(std::move(how));
  }
  [[nodiscard]] hook_table const& hooks() const noexcept { return hooks_; }
  [[nodiscard]] std::string const& request() const noexcept { return request_; }

 private:
  task_entry const& entry_;
  hook_table const& hooks_;
  std::string const request_;
};

/// Middleware is around it.
class wrapped_call final : public told_call {
 public:
  using told_call::told_call;
  expected<void> prepare(std::shared_ptr<fiber_stacks> stacks) {
    auto made = fiber::make(std::move(stacks), [this] { run_around(); });
    if (!made) return fail(made.error());
    around_ = *std::move(made);
    return {};
  }

 private:
  void run_around() {
    auto const body = [this] {
      around_->suspend();
      return static_cast<int>(how_.kind);
    };
    calls::chain<decltype(body)> all{hooks().arounds(), *this, request(), body};
    (void)all.step(&all);
  }
  void begin() override { around_->resume(); }
  // For the body it is over before the host hears of it: then it must not be stopped any more.
  void when_stopped(stop_function stop, void* self) override {
    owner().when_stopped([this, stop, self] {
      std::lock_guard const lock{stopping_};
      if (!ended_) stop(self);
    });
  }
  void end(outcome&& how) override {
    std::lock_guard const lock{stopping_};
    ended_ = true;
    how_ = std::move(how);
  }
  void leave(bool by_opener) override {
    if (by_opener) return go_on();
    // After a cold shutdown nobody goes on with it, as nobody hears of it.
    calls::guarded([this] { (void)owner().on_opener([this] { go_on(); }); });
  }
  void go_on() {
    around_->resume();
    calls::guarded([this] { told_call::end(std::move(how_)); });
    delete this;
  }

  std::unique_ptr<fiber> around_;
  outcome how_ = calls::no_outcome();
  std::mutex stopping_;  ///< held while the body is told to stop
  bool ended_ = false;
};

}  // namespace

void invoke_open(task_entry const& entry, hook_table const& hooks, std::string_view request, std::string_view arguments,
                 std::shared_ptr<open_host> host, std::shared_ptr<fiber_stacks> const& stacks) {
  std::unique_ptr<open_call> made;
  if (!hooks.arounds().empty()) {
    auto wrapped = std::make_unique<wrapped_call>(host, entry, hooks, request);
    if (auto const ok = wrapped->prepare(stacks); !ok)
      return host->finish(failure_outcome("MemoryError", "middleware: " + ok.error().text()));
    made = std::move(wrapped);
  } else if (calls::hears_of_ends(hooks)) {
    made = std::make_unique<told_call>(std::move(host), entry, hooks, request);
  } else {
    made = std::make_unique<open_call>(std::move(host));
  }
  hooks.tell(signal::task_prerun, {&calls::hook_face, made->handle(), request}, {});
  made.release()->open(entry, request, arguments);
}

}  // namespace lovage
