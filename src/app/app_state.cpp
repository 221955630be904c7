#include "app/app_state.hpp"

#include "app/driver_settings.hpp"
#include "app/registry.hpp"
#include "core/ids.hpp"

#include <map>
#include <utility>

namespace lovage::detail {
namespace {

struct clock_holder {
  std::mutex mutex;
  now_fn now = system_now;
  std::map<int, std::function<void()>> listeners;
  int next_listener = 0;
};

clock_holder& the_clock() {
  static clock_holder holder;
  return holder;
}

publish_settings read_publishing(config const& c) {
  publish_settings out;
  out.where = routing{c};
  out.serializer = c.task_serializer();
  out.compression = c.task_compression();
  out.origin = anonymous_name();
  out.default_priority = c.task_default_priority();
  out.mode = c.task_default_delivery_mode() == "transient" ? delivery_mode::transient : delivery_mode::persistent;
  out.ignore_result = c.task_ignore_result();
  out.sent_events = c.task_send_sent_event();
  out.inline_bodies = static_cast<std::size_t>(c.canvas_inline_limit());
  out.operation_timeout = c.broker_operation_timeout();
  return out;
}

// Eager apps keep results to themselves: nothing of a test run reaches the configured backend.
std::string backend_url(config const& c) {
  return c.task_always_eager() ? "memory://eager-" + random_uuid().str() : c.result_backend();
}

}  // namespace

void set_default_clock(now_fn now) {
  std::lock_guard const lock{the_clock().mutex};
  the_clock().now = now ? std::move(now) : now_fn{system_now};
}

now_fn default_clock() {
  std::lock_guard const lock{the_clock().mutex};
  return the_clock().now;
}

clock_listener::clock_listener(std::function<void()> wake) {
  std::lock_guard const lock{the_clock().mutex};
  id_ = the_clock().next_listener++;
  the_clock().listeners.emplace(id_, std::move(wake));
}

clock_listener::~clock_listener() {
  std::lock_guard const lock{the_clock().mutex};
  the_clock().listeners.erase(id_);
}

void clock_advanced() {
  std::lock_guard const lock{the_clock().mutex};
  for (auto const& [id, wake] : the_clock().listeners) wake();
}

app_state::app_state(config given, now_fn clock)
    : settings{std::move(given)},
      publishing{read_publishing(settings)},
      now{std::move(clock)},
      backend_url_{backend_url(settings)},
      reply_to_{backend_url_.starts_with("rpc:") ? random_uuid().str() : std::string{}} {
  tasks.internals().annotate(settings.task_annotations());
}

bool app_state::has_backend() const { return !backend_url_.empty() && backend_url_ != "disabled"; }

// The caller holds the lock.
expected<std::shared_ptr<broker::transport>> app_state::connect(std::string const& urls,
                                                                std::shared_ptr<broker::transport>& kept,
                                                                deadline until) {
  if (kept) return kept;
  auto with = broker_settings(settings, now);
  with.connection.urls = urls;
  with.queues = publishing.where.queues();
  auto made = drivers::make_transport(std::move(with), until);
  if (!made) return fail(made.error());
  kept = *std::move(made);
  return kept;
}

expected<std::shared_ptr<broker::transport>> app_state::transport(deadline until) {
  std::lock_guard const lock{mutex_};
  return connect(settings.broker_read_url(), reading_, until);
}

expected<std::shared_ptr<broker::transport>> app_state::sending_transport(deadline until) {
  auto const urls = settings.broker_write_url();
  if (urls == settings.broker_read_url()) return transport(until);
  std::lock_guard const lock{mutex_};
  return connect(urls, writing_, until);
}

expected<std::shared_ptr<broker::producer>> app_state::producer(deadline until) {
  {
    std::lock_guard const lock{mutex_};
    if (producer_) return producer_;
  }
  auto on = sending_transport(until);
  if (!on) return fail(on.error());
  std::lock_guard const lock{mutex_};
  if (!producer_) {
    auto made = (*on)->make_producer(until);
    if (!made) return fail(made.error());
    producer_ = *std::move(made);
  }
  return producer_;
}

expected<std::shared_ptr<backend::result_backend>> app_state::backend(deadline until) {
  std::lock_guard const lock{mutex_};
  if (backend_) return backend_;
  if (!has_backend())
    return fail(errc::not_supported, "no result backend is configured; set result_backend", "result_backend");
  auto with = backend_settings(settings, now);
  with.connection.urls = backend_url_;
  with.reply_to = reply_to_;
  with.transport = [this](deadline limit) { return transport(limit); };
  auto made = drivers::make_backend(std::move(with), until);
  if (!made) return fail(made.error());
  backend_ = *std::move(made);
  return backend_;
}

expected<void> app_state::expect_replies(deadline until) {
  if (reply_to_.empty()) return {};
  auto const on = backend(until);
  if (!on) return fail(on.error());
  return (*on)->expect_replies(until);
}

}  // namespace lovage::detail
