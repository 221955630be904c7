#include "worker/control_server.hpp"

#include "core/log.hpp"
#include "wire/task_message.hpp"
#include "worker/control_address.hpp"
#include "worker/control_commands.hpp"

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

constexpr auto attempt_limit = 10s;
constexpr auto between_attempts = 2'000ms;

}  // namespace

control_server::control_server(node on) : node_{std::move(on)}, mail_{control_mail::settings::of(node_.app.settings)} {}

control_server::~control_server() { stop(); }

void control_server::start(deadline until) {
  thread_ = std::thread{[this] { run(); }};
  std::unique_lock lock{mutex_};
  auto const decided = [this] { return decided_; };
  if (until.is_never()) return changed_.wait(lock, decided);
  changed_.wait_until(lock, until.when(), decided);
}

void control_server::stop() {
  {
    std::lock_guard const lock{mutex_};
    stop_ = true;
    if (inbox_) inbox_->interrupt();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool control_server::pause(std::chrono::milliseconds time) {
  std::unique_lock lock{mutex_};
  decided_ = true;
  changed_.notify_all();
  return !changed_.wait_for(lock, time, [this] { return stop_; });
}

void control_server::run() {
  bool told = false;
  for (;;) {
    auto const listening = listen(deadline::in(attempt_limit));
    if (listening) break;
    if (listening.error().code == errc::not_supported) {
      log::debug("remote control: " + listening.error().text());
      (void)pause(0ms);
      return;
    }
    if (!std::exchange(told, true))
      log::error("remote control: no mailbox yet: " + listening.error().text() + "; it is tried again");
    if (!pause(between_attempts)) return;
  }
  serve();
}

expected<void> control_server::listen(deadline until) {
  auto transport = node_.app.transport(until);
  if (!transport) return fail(transport.error());
  auto producer = node_.app.producer(until);
  if (!producer) return fail(producer.error());
  auto inbox = (*transport)->make_inbox(control_mail::request_queue(mail_, node_.name), until);
  if (!inbox) return fail(inbox.error());
  transport_ = *std::move(transport);
  producer_ = *std::move(producer);
  std::lock_guard const lock{mutex_};
  inbox_ = *std::move(inbox);
  decided_ = true;
  changed_.notify_all();
  return {};
}

void control_server::serve() {
  bool told = false;
  for (;;) {
    {
      std::lock_guard const lock{mutex_};
      if (stop_) return;
    }
    auto const messages = inbox_->take(deadline::never());
    if (!messages) {
      if (!std::exchange(told, true)) log::error("remote control: " + messages.error().text() + "; it is tried again");
      if (!pause(between_attempts)) return;
      continue;
    }
    told = false;
    for (auto const& m : *messages) handle(m);
  }
}

void control_server::handle(wire::envelope const& message) {
  try {
    auto const request = control_mail::read_request(message, mail_);
    if (!request) return log::error("remote control: cannot decode a request: " + request.error().text());
    if (request->clock) node_.clock.adjust(*request->clock);
    if (!is_for(*request, node_.name)) return;
    log::debug("pidbox received method " + request->method + wire::kwargs_repr(request->arguments));
    auto answer = run_command(node_, request->method, request->arguments);
    if (answer && request->reply_to) reply(*request, *std::move(answer));
  } catch (std::exception const& e) {
    log::error(std::string{"remote control: "} + e.what());
  }
}

void control_server::reply(wire::control_request const& to, value payload) {
  wire::control_reply r;
  r.node = node_.name;
  r.payload = std::move(payload);
  r.ticket = to.ticket;
  r.clock = node_.clock.forward();
  auto const message = control_mail::write(r, *to.reply_to, mail_);
  auto const sent = message ? producer_->publish(std::span{&*message, 1}, node_.app.operation_deadline())
                            : expected<void>{fail(message.error())};
  if (!sent) log::warning("remote control: the answer to " + to.method + " is lost: " + sent.error().text());
}

}  // namespace lovage::work
