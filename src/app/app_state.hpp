// What stands behind an app and behind every result handle.
#pragma once

#include "app/drivers.hpp"
#include "app/routing.hpp"
#include "app/task_options.hpp"
#include "core/clock.hpp"
#include "core/lamport.hpp"
#include "wire/task_message.hpp"

#include <lovage/app.hpp>
#include <lovage/periodic.hpp>
#include <lovage/schedule.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace lovage::detail {

/// The settings that sending looks at, read once.
struct publish_settings {
  routing where;
  std::string serializer = "json", compression, origin;
  std::optional<int> default_priority;
  delivery_mode mode = delivery_mode::persistent;
  bool ignore_result = false;
  bool sent_events = false;             ///< `task_send_sent_event`
  std::size_t inline_bodies = 262'144;  ///< `canvas_inline_limit`
  std::vector<std::function<void(raw_call&)>> before = {};
  std::vector<std::function<void(std::string const&, task_id const&)>> after = {};
  std::chrono::milliseconds operation_timeout{};
};

/// One `app::periodic`.
struct periodic_call {
  std::string name;
  schedule when;
  raw_call call;
  periodic_options with;
};

/// *Threads*: any. Connections are made on first use and kept.
class app_state : public std::enable_shared_from_this<app_state> {
 public:
  app_state(config settings, now_fn now);

  config const settings;
  publish_settings publishing;  ///< filled before the first call is sent, as `tasks` is
  task_registry tasks;
  std::vector<periodic_call> periodic;  ///< filled before a scheduler is made
  now_fn const now;
  lamport_clock clock;  ///< of what this program sends

  /// Where messages are taken from.
  [[nodiscard]] expected<std::shared_ptr<broker::transport>> transport(deadline until);
  /// Where they are sent; the same one, unless `broker_write_url` says otherwise.
  [[nodiscard]] expected<std::shared_ptr<broker::transport>> sending_transport(deadline until);
  [[nodiscard]] expected<std::shared_ptr<broker::producer>> producer(deadline until);
  /// Error `not_supported` naming the setting when no backend is configured.
  [[nodiscard]] expected<std::shared_ptr<backend::result_backend>> backend(deadline until);
  [[nodiscard]] bool has_backend() const;
  /// Whom workers answer, for `rpc://`; empty where results are kept.
  [[nodiscard]] std::string const& reply_to() const noexcept { return reply_to_; }
  /// Comes before anything is sent: an answer to a queue that is not there yet is lost. Cheap from the second call on.
  [[nodiscard]] expected<void> expect_replies(deadline until);
  [[nodiscard]] deadline operation_deadline() const { return deadline::in(publishing.operation_timeout); }

 private:
  [[nodiscard]] expected<std::shared_ptr<broker::transport>> connect(std::string const& urls,
                                                                     std::shared_ptr<broker::transport>& kept,
                                                                     deadline until);
  std::string const backend_url_, reply_to_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<broker::transport> reading_, writing_;
  std::shared_ptr<broker::producer> producer_;
  std::shared_ptr<backend::result_backend> backend_;
};

/// The clock of apps made from now on, for tests; an empty function restores the system's.
void set_default_clock(now_fn now);
[[nodiscard]] now_fn default_clock();

/// Calls `wake` whenever a test moved its clock, for as long as this lives. *Threads*: any.
class clock_listener {
 public:
  explicit clock_listener(std::function<void()> wake);
  ~clock_listener();
  clock_listener(clock_listener const&) = delete;
  clock_listener& operator=(clock_listener const&) = delete;

 private:
  int id_;
};
void clock_advanced();

/// django-celery-beat's column.
inline constexpr std::size_t longest_periodic_name = 200;
[[nodiscard]] expected<void> check_periodic_name(std::string_view name);

/// Options that contradict each other or cannot be: `invalid_argument`.
[[nodiscard]] expected<void> check(raw_call const& call);
[[nodiscard]] expected<value::list> unpack_args(raw_call const& call);
/// Who is called after it: `link` and `link_error`.
[[nodiscard]] expected<wire::embed> embed_of(call_options const& options);
/// From a call to a message, with the settings' and the task's defaults filled in.
[[nodiscard]] expected<wire::task_message> message_of(raw_call&& call, app_state const& app);
/// From a message to what the broker takes, for a queue.
[[nodiscard]] expected<broker::outgoing> outgoing_of(wire::task_message const& message, queue_name queue,
                                                     wire::encode_options const& options);
/// The queue of a task by `task_routes`, else the default; for calls whose options and arguments say no more.
[[nodiscard]] queue_name route(publish_settings const& settings, std::string_view task);

/// Runs calls in the caller (setting `task_always_eager`) and stores what came out.
[[nodiscard]] expected<void> run_eagerly(app_state& app, wire::task_message message);
[[nodiscard]] expected<void> run_eagerly(app_state& app, std::vector<broker::outgoing> messages);

/// `app::before_publish`: these are to be made into messages.
void tell_before(std::span<raw_call> calls, app_state const& app);
/// `app::after_publish`: the broker has these.
void tell_after(std::span<std::string const> names, std::vector<task_id> const& ids, app_state const& app);

/// From a stored record to what users see.
[[nodiscard]] task_status status_of(wire::result_record record);

}  // namespace lovage::detail
