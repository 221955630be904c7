#include "backend/rpc/replies.hpp"

#include "core/log.hpp"

namespace lovage::backend::rpc {
namespace {

using namespace std::chrono_literals;
using wire::result_record;

error_info nobody_answers_us() {
  return {errc::not_supported,
          "rpc:// brings a result only to the program that sent the task, and this one has sent none; use a "
          "result_backend that keeps results, such as redis://, to read those of others",
          "result_backend"};
}

broker::queue_spec reply_queue(settings const& with) {
  broker::queue_spec out;
  out.name = queue_name{with.reply_to};
  out.durable = false;
  out.auto_delete = true;
  out.exchange_durable = false;
  auto const expires = std::chrono::milliseconds{with.expires}.count();
  if (expires > 0) out.arguments = {{"x-expires", expires}};
  return out;
}

std::string text_of(value::map const& headers, std::string_view name) {
  auto const* v = find(headers, name);
  auto const* text = v ? v->get_if<std::string>() : nullptr;
  return text ? *text : std::string{};
}

}  // namespace

replies::replies(record_codec codec, kept_replies::bounds within)
    : codec_{std::move(codec)}, kept_{within}, trouble_{nobody_answers_us()} {}

replies::~replies() {
  {
    std::lock_guard const lock{mutex_};
    stop_ = true;
  }
  stopping_.notify_all();
  if (inbox_) inbox_->interrupt();
  if (thread_.joinable()) thread_.join();
}

expected<void> replies::open(settings const& with, deadline until) {
  if (open_) return {};
  std::lock_guard const making{opening_};
  if (open_) return {};
  auto transport = with.transport(until);
  if (!transport) return fail(transport.error());
  auto inbox = (*transport)->make_inbox(reply_queue(with), until);
  if (!inbox) return fail(inbox.error());
  std::lock_guard const lock{mutex_};
  transport_ = *std::move(transport);
  inbox_ = *std::move(inbox);
  trouble_.reset();
  thread_ = std::thread{[this] { run(); }};
  open_ = true;
  return {};
}

void replies::run() {
  for (;;) {
    auto messages = inbox_->take(deadline::never());
    {
      std::lock_guard const lock{mutex_};
      if (stop_) return;
      if (messages) trouble_.reset();
    }
    if (!messages) {
      pause(messages.error());
      continue;
    }
    try {
      for (auto const& m : *messages) take_in(m);
    } catch (std::exception const& e) {
      log::error(std::string{"a reply is lost: "} + e.what());
    }
  }
}

// The inbox connects again by itself; an error is what it cannot mend.
void replies::pause(error_info why) {
  std::unique_lock lock{mutex_};
  if (!trouble_) log::error("waiting for replies: " + why.text() + "; it is tried again");
  trouble_ = std::move(why);
  for (auto* w : watches_) w->wake();
  stopping_.wait_for(lock, 1s, [this] { return stop_; });
}

expected<result_record> replies::read(wire::envelope const& message) const {
  auto const method = text_of(message.headers, "compression");
  if (method.empty()) return codec_.read_as(message.content_type, message.body);
  auto const body = wire::decompress(method, message.body);
  if (!body) return fail(body.error());
  return codec_.read_as(message.content_type, *body);
}

void replies::take_in(wire::envelope const& message) {
  auto record = read(message);
  auto const& asked = message.properties.correlation_id;
  if (record && record->id.empty()) record->id = task_id{asked};
  std::lock_guard const lock{mutex_};
  if (!record) {
    auto why = record.error();
    why = {why.code, "the result cannot be read: " + why.text(), "task " + asked};
    log::warning(why.text());
    for (auto* w : watches_) w->tell(asked, why);
  } else if (kept_.keep(*record, message.body.size())) {
    for (auto* w : watches_) w->tell(*record);
    warn_of_dropped();
  }
}

/// Requires the lock.
void replies::warn_of_dropped() {
  if (kept_.dropped() == 0 || std::exchange(warned_, true)) return;
  log::warning(
      "more results have come than are kept, and nobody asked for them: the oldest are dropped; set "
      "ignore_result where nobody wants them, or a result_backend that keeps them");
}

void replies::add(news& to, std::span<task_id const> ids) {
  std::lock_guard const lock{mutex_};
  watches_.insert(&to);
  for (auto const& id : ids) {
    if (!to.add(id)) continue;
    if (auto const* r = kept_.find(id.str())) to.tell(*r);
  }
}

void replies::remove(news& from, task_id const& id) {
  std::lock_guard const lock{mutex_};
  (void)from.remove(id);
}

void replies::leave(news& from) {
  std::lock_guard const lock{mutex_};
  watches_.erase(&from);
}

void replies::interrupt(news& who) {
  std::lock_guard const lock{mutex_};
  who.interrupt();
}

expected<std::vector<result_record>> replies::next(news& of, deadline until) {
  std::unique_lock lock{mutex_};
  return of.next(lock, trouble_, until);
}

expected<std::vector<result_record>> replies::fetch(std::span<task_id const> ids) {
  if (!open_) return fail(nobody_answers_us());
  std::lock_guard const lock{mutex_};
  std::vector<result_record> out(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (auto const* r = kept_.find(ids[i].str())) out[i] = *r;
    out[i].id = ids[i];
  }
  return out;
}

void replies::forget(std::span<task_id const> ids) {
  std::lock_guard const lock{mutex_};
  for (auto const& id : ids) kept_.forget(id.str());
}

}  // namespace lovage::backend::rpc
