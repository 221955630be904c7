// One connection to RabbitMQ: a thread that owns it, keeps it alive and makes it anew, for ever.
//
//   any thread --post, wake--> [ thread: set_up, then turn and pump by turns ] <--frames--> RabbitMQ
//                                   |  tenant: what the connection is for
#pragma once

#include "broker/amqp/endpoint.hpp"
#include "broker/amqp/frames.hpp"
#include "broker/amqp/resolver.hpp"
#include "broker/amqp/stream.hpp"
#include "io/descriptor.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace lovage::broker::amqp {

using steady = std::chrono::steady_clock;

/// What came back of a `session::call`.
struct reply {
  static constexpr int lost = 1;
  /// 0: done. `lost`: the connection broke, or is being closed. Else the code with which the server closed the channel:
  /// 403 access refused, 404 not found, 405 locked, 406 precondition failed.
  int code = 0;
  std::string text;  ///< of the code; or a queue's or consumer's name
  std::uint32_t messages = 0, consumers = 0;
  std::uint32_t frame_max = 0, heartbeat = 0;
  [[nodiscard]] bool ok() const noexcept { return code == 0; }
};

/// A message as it came, by basic.deliver, basic.return or basic.get-ok.
struct incoming {
  amqp_method_number_t by = 0;
  std::uint64_t tag = 0;
  bool redelivered = false;
  int code = 0;          ///< of a return
  std::string consumer;  ///< of a delivery
  std::string exchange, routing_key;
  std::string text;        ///< of a return
  std::string properties;  ///< encoded
  std::string body;
};

class session;

/// What a connection is for. Called by the session's thread alone.
class tenant {
 public:
  virtual ~tenant() = default;
  /// The connection is new: open channels, declare, subscribe. An error gives it up and tries again later.
  [[nodiscard]] virtual expected<void> set_up(session& on) = 0;
  /// While connected: do what was posted. When to be called again if nothing happens before.
  [[nodiscard]] virtual steady::time_point turn(session& on) = 0;
  virtual void on_method(session& on, std::uint16_t channel, amqp_method_t const& method) = 0;
  virtual void on_content(session& on, std::uint16_t channel, incoming&& message) = 0;
  /// Closed by the server outside of a `call`.
  virtual void on_channel_closed(session& on, std::uint16_t channel, int code, std::string const& text) = 0;
  /// Not connected: an attempt failed, or the connection broke. Code `bad_config` when it cannot work with these
  /// settings (user, password, virtual host, files of TLS).
  virtual void on_lost(error_info const& why) = 0;
  /// Last words before the connection is closed in good order.
  virtual void on_closing(session& on) { (void)on; }
};

/// *Threads*: `start`, `stop`, `wake` and the questions from any; the rest is the tenant's.
class session {
 public:
  /// `name` for the server's list of connections and for logs. `lodger` outlives it.
  session(endpoints to, failover strategy, std::string name, tenant& lodger);
  ~session() { stop(); }
  session(session const&) = delete;
  session& operator=(session const&) = delete;

  void start();
  /// Waits until the thread has ended: about a second at most where the server is silent. May come twice.
  void stop();
  /// Calls the tenant's `turn` soon.
  void wake() noexcept;
  /// Connected, and heard of within the heartbeat.
  [[nodiscard]] bool running() const noexcept;

  // The rest belongs to the tenant.

  /// Sends a method and waits for its answer; other things that come meanwhile go to the tenant.
  [[nodiscard]] reply call(std::uint16_t channel, amqp_method_number_t id, void const* decoded,
                           amqp_method_number_t answer);
  [[nodiscard]] reply open_channel(std::uint16_t channel);
  /// Lets things come until `done`, or until the connection breaks: false then, and at the deadline.
  [[nodiscard]] bool wait(std::function<bool()> const& done, deadline until);
  /// No `call` lasts longer than this; `deadline::never()` lifts it. One that does gives the connection up.
  void limit_calls(deadline until) noexcept { calls_until_ = until; }
  /// Sends a method that has no answer.
  void send(std::uint16_t channel, amqp_method_number_t id, void const* decoded);
  [[nodiscard]] frame_writer& out() noexcept { return out_; }
  [[nodiscard]] bool broken() const noexcept { return fault_.has_value(); }
  /// Gives the connection up; it is made anew.
  void abandon(error_info why);
  /// Why the server takes no messages at present; empty when it does.
  [[nodiscard]] std::string const& blocked() const noexcept { return blocked_; }
  /// Different for every connection of this process.
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  [[nodiscard]] endpoint const& peer() const noexcept { return to_.all[address_]; }

 private:
  struct awaited {
    std::uint16_t channel = 0;
    amqp_method_number_t id = 0;
    bool done = false;
    reply got;
  };
  struct assembly {  ///< a message of which not all has come
    bool open = false, headed = false;
    std::uint64_t missing = 0;
    incoming message;
  };

  void run();
  void live();
  void wait_until(steady::time_point until);
  [[nodiscard]] expected<void> connect();
  [[nodiscard]] expected<void> shake_hands(deadline until);
  void tune(reply const& proposal);
  void say_goodbye();
  void report(error_info const& why, bool ran);

  void pump(deadline until);
  void flush();
  void read_some();
  void dispatch(frame const& f);
  void on_method_frame(frame const& f);
  void on_connection_method(amqp_method_t const& m);
  void on_channel_close(std::uint16_t channel, amqp_channel_close_t const& m);
  void begin_content(std::uint16_t channel, amqp_method_t const& m);
  void on_content_frame(frame const& f);
  void answer(amqp_method_t const& m);
  [[nodiscard]] reply await(std::uint16_t channel, amqp_method_number_t id, deadline until);
  static constexpr std::size_t channels = 4;

  endpoints const to_;
  failover const strategy_;
  std::string const name_;
  tenant& tenant_;
  io::descriptor wake_, stop_;
  std::atomic<bool> signalled_{false}, stopping_{false}, running_{false};
  std::atomic<steady::rep> heard_{0};
  std::mutex joining_;
  std::thread thread_;  ///< guarded by joining_

  // the thread's own
  std::size_t address_ = 0;
  resolver names_;
  std::unique_ptr<stream> stream_;
  frame_reader in_;
  frame_writer out_;
  arena memory_;
  std::array<assembly, channels> assemblies_;
  awaited* awaited_ = nullptr;
  std::optional<error_info> fault_;
  std::string blocked_;
  std::uint64_t generation_ = 0;
  std::chrono::milliseconds heartbeat_{0};
  steady::time_point written_{};
  deadline calls_until_ = deadline::never();
  bool more_to_read_ = false, in_trouble_ = false;
  std::size_t reported_ = 0;
  std::string last_report_;
};

}  // namespace lovage::broker::amqp
