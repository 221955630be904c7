// Tasks as coroutines, for those that mostly wait: thousands of them on one thread, with `-P coroutine`.
//
// The only public header that needs more than the standard library: Boost.Asio 1.81 or later, to compile the plug-in;
// nothing more to link. On the other pools such a task runs as well, one in each slot, to its end.
//
//     lib.define(shop::fetch, [](lovage::context& self, std::string url) -> lovage::awaitable<std::string> {
//       boost::asio::steady_timer timer{co_await boost::asio::this_coro::executor, 100ms};
//       co_await timer.async_wait(boost::asio::use_awaitable);
//       co_return "body of " + url;
//     });
//
// When the soft time limit passes, or the worker wants the task to end, what the coroutine waits for is cancelled: Asio
// throws operation_aborted, and where that leaves the task it counts as `soft_time_limit_exceeded`, or `stopped`. A
// coroutine must not block: it holds up all others of its plug-in, and so does `context::sleep_for`.
#pragma once

#include <lovage/define.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <cstddef>
#include <memory>
#include <thread>
#include <tuple>

namespace lovage {

template <class R>
using awaitable = boost::asio::awaitable<R>;

namespace detail {

/// Where the coroutines of this plug-in run: one thread, started with the first of them and left to the end of the
/// process, as plug-ins are.
inline boost::asio::io_context& coroutine_loop() {
  static auto* const loop = [] {
    auto* const made = new boost::asio::io_context{1};
    std::thread{[made] {
      auto const guard = boost::asio::make_work_guard(*made);
      for (;;) try {
          made->run();
          return;
        } catch (...) {  // of a handler that the plug-in posted itself
        }
    }}.detach();
    return made;
  }();
  return *loop;
}

/// For `lovage_host::driven_by`.
inline int post_to_loop(void* loop, void (*run)(void* with), void* with) noexcept try {
  boost::asio::post(*static_cast<boost::asio::io_context*>(loop), [run, with] { run(with); });
  return 1;
} catch (...) {
  return 0;
}

/// What all coroutine calls share: how they are stopped and how they end.
class coroutine_call : public std::enable_shared_from_this<coroutine_call> {
 public:
  coroutine_call(running_call running, std::string request, limits const& with)
      : running_{running}, request_{std::move(request)}, with_{with}, self_{running.host, running.call, request_} {}
  virtual ~coroutine_call() = default;
  coroutine_call(coroutine_call const&) = delete;
  coroutine_call& operator=(coroutine_call const&) = delete;

  [[nodiscard]] context& self() noexcept { return self_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }

  /// For `lovage_host::detach`: any thread.
  static void stop(void* self) {
    auto me = static_cast<coroutine_call*>(self)->shared_from_this();
    boost::asio::post(coroutine_loop(), [me = std::move(me)] { me->cancel(); });
  }
  /// In the thread of the coroutine, as is all that follows.
  void cancel() {
    stopped_ = true;
    signal_.emit(boost::asio::cancellation_type::terminal);
  }
  void spawn(boost::asio::io_context& on) {
    auto me = shared_from_this();
    boost::asio::co_spawn(on, drive(me), boost::asio::bind_cancellation_slot(signal_.slot(), [me](auto) {}));
    if (stopped_) cancel();  // it was told before it began
  }
  /// To its end, in this thread.
  void run_here() {
    constexpr std::chrono::milliseconds step{20};
    boost::asio::io_context here{1};
    spawn(here);
    while (!ended_ && !here.stopped()) {
      here.run_for(step);
      if (!ended_ && !stopped_ && self_.stop_requested()) cancel();
    }
  }

 protected:
  /// Runs the body and packs what it returned.
  virtual boost::asio::awaitable<void> run_body(packer& out) = 0;

 private:
  static boost::asio::awaitable<void> drive(std::shared_ptr<coroutine_call> me) {
    packer out;
    std::exception_ptr thrown;
    try {
      auto body = me->run_body(out);
      co_await std::move(body);
    } catch (...) {
      thrown = std::current_exception();
    }
    me->end(thrown, out.out());
  }
  void end(std::exception_ptr const& thrown, std::string const& packed) noexcept {
    ended_ = true;
    try {
      if (!thrown) return running_.finish(LOVAGE_SUCCESS, packed);
      rethrow(thrown);
    } catch (...) {
      finish_by_exception(running_, with_, true);
    }
  }
  void rethrow(std::exception_ptr const& thrown) const {
    try {
      std::rethrow_exception(thrown);
    } catch (boost::system::system_error const& e) {
      if (e.code() == boost::asio::error::operation_aborted) self_.throw_if_stopped();
      throw;
    }
  }

  running_call running_;
  std::string const request_;
  limits const& with_;
  context self_;
  boost::asio::cancellation_signal signal_;
  bool stopped_ = false, ended_ = false;
};

template <class Task, class Body>
struct bound_coroutine;

template <class R, class... A, class Body>
struct bound_coroutine<task<R(A...)>, Body> {
  task<R(A...)> declaration;
  Body body;
  limits with;

  using arguments = std::tuple<std::remove_cvref_t<A>...>;
  static constexpr bool takes_context = std::invocable<Body&, context&, std::remove_cvref_t<A>&&...>;

  class call_of final : public coroutine_call {
   public:
    call_of(bound_coroutine& of, running_call running, std::string_view request, arguments given)
        : coroutine_call{running, std::string{request}, of.with}, of_{of}, given_{std::move(given)} {}

   private:
    auto start() {
      return std::apply(
          [this](auto&... given) {
            if constexpr (takes_context) {
              return std::invoke(of_.body, this->self(), std::move(given)...);
            } else {
              return std::invoke(of_.body, std::move(given)...);
            }
          },
          given_);
    }
    boost::asio::awaitable<void> run_body(packer& out) override {
      auto body = start();
      if constexpr (std::is_void_v<R>) {
        co_await std::move(body);
        out.nil();
      } else {
        auto result = co_await std::move(body);
        codec<R>::write(out, static_cast<R const&>(result));
      }
    }
    bound_coroutine& of_;
    arguments given_;  // a body may take references to them: they live as long as the call
  };

  static void run(void* self, lovage_host const* host, void* call, char const* request, std::size_t request_size,
                  char const* packed, std::size_t packed_size) {
    auto& me = *static_cast<bound_coroutine*>(self);
    running_call const running{host, call};
    bool in_body = false;
    try {
      auto given = read_arguments(me.declaration, std::string_view{packed, packed_size});
      auto const mine =
          std::make_shared<call_of>(me, running, std::string_view{request, request_size}, std::move(given));
      in_body = true;
      coroutine_call* const handle = mine.get();
      if (!can_detach(host) || host->detach(call, &coroutine_call::stop, handle) == 0) return mine->run_here();
      if (asks_for_driver(host)) host->driven_by(call, &post_to_loop, &coroutine_loop());
      boost::asio::post(coroutine_loop(), [mine] { mine->spawn(coroutine_loop()); });
    } catch (...) {
      finish_by_exception(running, me.with, in_body);
    }
  }
  static void destroy(void* self) { delete static_cast<bound_coroutine*>(self); }

 private:
  static bool can_detach(lovage_host const* host) {
    return host->size >= offsetof(lovage_host, detach) + sizeof host->detach && host->detach != nullptr;
  }
  static bool asks_for_driver(lovage_host const* host) {
    return host->size >= offsetof(lovage_host, driven_by) + sizeof host->driven_by && host->driven_by != nullptr;
  }
};

template <class T>
inline constexpr bool is_awaitable = false;
template <class T>
inline constexpr bool is_awaitable<boost::asio::awaitable<T>> = true;

template <class Body, class... A>
concept coroutine_body =
    (std::invocable<Body&, A&&...> && is_awaitable<std::invoke_result_t<Body&, A&&...>>) ||
    (std::invocable<Body&, context&, A&&...> && is_awaitable<std::invoke_result_t<Body&, context&, A&&...>>);

template <class R, class... A, class Body>
  requires coroutine_body<Body, std::remove_cvref_t<A>...>
struct binding<task<R(A...)>, Body> {
  using type = bound_coroutine<task<R(A...)>, Body>;
};

}  // namespace detail
}  // namespace lovage
