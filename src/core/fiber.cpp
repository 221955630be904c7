#include "core/fiber.hpp"

#include <cxxabi.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

namespace lovage {
namespace {

/// What the C++ runtime keeps for each thread: the exceptions that are being handled. A fiber that suspends in a catch
/// block must find its own again. The layout is that of the C++ ABI, whose headers name the type only.
struct handled_exceptions {
  void* caught = nullptr;
  unsigned int uncaught = 0;
#ifdef __ARM_EABI_UNWINDER__
  void* propagating = nullptr;
#endif

  void exchange() noexcept {
    auto* const at = reinterpret_cast<char*>(abi::__cxa_get_globals());
    handled_exceptions now;
    std::memcpy(static_cast<void*>(&now), at, sizeof now);
    std::memcpy(at, static_cast<void const*>(this), sizeof *this);
    *this = now;
  }
};

/// Tells the sanitizers which stack is in use: otherwise they take the fiber's for the thread's.
class stack_watch {
 public:
  stack_watch([[maybe_unused]] char* stack, [[maybe_unused]] std::size_t size) {
#ifdef __SANITIZE_ADDRESS__
    ASAN_UNPOISON_MEMORY_REGION(stack, size);  // of who had it before
    own_ = {stack, size, nullptr};
#endif
#ifdef __SANITIZE_THREAD__
    own_ = __tsan_create_fiber(0);
#endif
  }
  ~stack_watch() {
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(own_);
#endif
  }
  stack_watch(stack_watch const&) = delete;
  stack_watch& operator=(stack_watch const&) = delete;

#ifdef __SANITIZE_ADDRESS__
  void before_resume() { __sanitizer_start_switch_fiber(&other_.fake, own_.bottom, own_.size); }
  void after_resume() { __sanitizer_finish_switch_fiber(other_.fake, nullptr, nullptr); }
  void on_entry() { __sanitizer_finish_switch_fiber(own_.fake, &other_.bottom, &other_.size); }
  void before_leave(bool for_good) {
    __sanitizer_start_switch_fiber(for_good ? nullptr : &own_.fake, other_.bottom, other_.size);
  }

 private:
  struct range {
    void const* bottom = nullptr;
    std::size_t size = 0;
    void* fake = nullptr;
  };
  range own_, other_;
#elif defined(__SANITIZE_THREAD__)
  void before_resume() {
    other_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(own_, 0);
  }
  void after_resume() {}
  void on_entry() {}
  void before_leave(bool) { __tsan_switch_to_fiber(other_, 0); }

 private:
  void *own_ = nullptr, *other_ = nullptr;
#else
  void before_resume() {}
  void after_resume() {}
  void on_entry() {}
  void before_leave(bool) {}
#endif
};

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

fiber_stacks::fiber_stacks(std::size_t size, std::size_t keep)
    : page_{page_size()}, size_{(size + page_ - 1) / page_ * page_}, keep_{keep} {
  free_.reserve(keep);
}

fiber_stacks::~fiber_stacks() {
  for (auto* const stack : free_) ::munmap(stack - page_, page_ + size_);
}

expected<char*> fiber_stacks::take() {
  {
    std::lock_guard lock{m_};
    if (!free_.empty()) {
      auto* const stack = free_.back();
      free_.pop_back();
      return stack;
    }
  }
  constexpr int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE;
  auto* const at = ::mmap(nullptr, page_ + size_, PROT_READ | PROT_WRITE, how, -1, 0);
  if (at == MAP_FAILED) return fail(errc::internal, std::string{"no memory for a stack: "} + std::strerror(errno));
  auto* const guard = static_cast<char*>(at);
  if (::mprotect(guard, page_, PROT_NONE) != 0) {
    auto const why = errno;
    ::munmap(guard, page_ + size_);
    return fail(errc::internal, std::string{"cannot guard a stack: "} + std::strerror(why));
  }
  return guard + page_;
}

void fiber_stacks::give_back(char* stack) noexcept {
  {
    std::lock_guard lock{m_};
    if (free_.size() < keep_) return free_.push_back(stack);
  }
  ::munmap(stack - page_, page_ + size_);
}

struct fiber::state {
  state(std::shared_ptr<fiber_stacks> from, char* at, std::function<void()> what)
      : stacks{std::move(from)}, stack{at}, body{std::move(what)}, watch{at, stacks->size()} {}
  ~state() { stacks->give_back(stack); }
  state(state const&) = delete;
  state& operator=(state const&) = delete;

  void leave(bool for_good) {
    watch.before_leave(for_good);
    ::swapcontext(&here, &outside);
    watch.on_entry();
  }
  // makecontext passes ints.
  static void enter(unsigned high, unsigned low) {
    auto const at = static_cast<std::uintptr_t>((std::uint64_t{high} << 32) | low);
    auto& me = *reinterpret_cast<state*>(at);
    me.watch.on_entry();
    me.run();
    me.ended = true;
    me.leave(true);
  }
  void run() noexcept { body(); }

  std::shared_ptr<fiber_stacks> stacks;
  char* stack;
  std::function<void()> body;
  ucontext_t here{}, outside{};
  handled_exceptions handled;
  stack_watch watch;
  bool ended = false;
};

expected<std::unique_ptr<fiber>> fiber::make(std::shared_ptr<fiber_stacks> stacks, std::function<void()> body) {
  auto const at = stacks->take();
  if (!at) return fail(at.error());
  auto made = std::make_unique<state>(std::move(stacks), *at, std::move(body));
  if (::getcontext(&made->here) != 0) return fail(errc::internal, std::string{"getcontext: "} + std::strerror(errno));
  made->here.uc_stack.ss_sp = made->stack;
  made->here.uc_stack.ss_size = made->stacks->size();
  auto const self = std::uint64_t{reinterpret_cast<std::uintptr_t>(made.get())};
  ::makecontext(&made->here, reinterpret_cast<void (*)()>(&state::enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
  return std::unique_ptr<fiber>{new fiber{std::move(made)}};
}

fiber::fiber(std::unique_ptr<state> made) : state_{std::move(made)} {}
fiber::~fiber() = default;

void fiber::resume() {
  auto& s = *state_;
  s.handled.exchange();
  s.watch.before_resume();
  ::swapcontext(&s.outside, &s.here);
  s.watch.after_resume();
  s.handled.exchange();
}

void fiber::suspend() { state_->leave(false); }
bool fiber::ended() const noexcept { return state_->ended; }

}  // namespace lovage
