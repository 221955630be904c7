#include "worker/event_sender.hpp"

#include "core/log.hpp"

#include <lovage/version.hpp>

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <span>
#include <utility>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

// Events of tasks are collected so long: a monitor does not notice, and a batch costs little more than one.
constexpr auto collecting = 5ms;
constexpr std::chrono::seconds step{2}, last_step{1};
constexpr auto between_tellings = 30s;
constexpr std::size_t batch_size = 250;

bool of_task(wire::event const& e) { return e.type.starts_with("task-"); }

// Else it is about what was sent, and would fail again.
bool may_pass(errc code) { return code == errc::timeout || code == errc::unavailable || code == errc::closed; }

double unix_seconds(time_point t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

value::list load_average() {
  std::array<double, 3> load{};
  if (::getloadavg(load.data(), 3) != 3) load = {};
  value::list out;
  for (auto const l : load) out.emplace_back(static_cast<double>(static_cast<std::int64_t>(l * 100 + 0.5)) / 100);
  return out;
}

std::string system_name() {
  utsname u{};
  return ::uname(&u) == 0 ? u.sysname : "Linux";
}

}  // namespace

event_sender::event_sender(detail::app_state& app, lamport_clock& clock, event_sender_options options,
                           std::function<vitals()> how)
    : app_{app},
      clock_{clock},
      options_{std::move(options)},
      vitals_{std::move(how)},
      mail_{event_mail::settings::of(app.settings)},
      pid_{::getpid()},
      west_{event_mail::hours_west()},
      enabled_{options_.task_events} {}

event_sender::~event_sender() { stop(); }

void event_sender::start(broker::traits const& on) {
  if (!on.inboxes) return stop();
  if (thread_.joinable()) return;
  {
    std::lock_guard const lock{mutex_};
    if (stop_) return;
    running_ = true;
    if (options_.heartbeat) {  // before what was told of tasks meanwhile
      auto& online = *waiting_.insert(waiting_.begin(), of_worker("worker-online", options_.interval));
      stamp(online);
      urgent_ = true;
    }
  }
  next_beat_ = steady::now() + std::chrono::duration_cast<steady::duration>(options_.interval);
  thread_ = std::thread{[this] { run(); }};
}

void event_sender::stop() {
  bool ran = false;
  {
    std::lock_guard const lock{mutex_};
    stop_ = true;
    ran = std::exchange(running_, false);
    if (!ran && !thread_.joinable()) waiting_.clear();
    if (ran && options_.heartbeat) {
      waiting_.push_back(of_worker("worker-offline", options_.interval));
      stamp(waiting_.back());
    }
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void event_sender::send(wire::event e) {
  bool wake = false;
  {
    std::lock_guard const lock{mutex_};
    if (stop_) return;
    wake = waiting_.empty() || !of_task(e);
    urgent_ = urgent_ || !of_task(e);
    waiting_.push_back(std::move(e));
    stamp(waiting_.back());
    trim();
  }
  if (wake) changed_.notify_all();
}

void event_sender::send(std::vector<wire::event>&& several) {
  bool wake = false;
  {
    std::lock_guard const lock{mutex_};
    if (stop_) return;
    wake = waiting_.empty();
    for (auto& e : several) stamp(e);
    if (waiting_.empty())
      waiting_.swap(several);
    else
      std::move(several.begin(), several.end(), std::back_inserter(waiting_));
    trim();
  }
  if (wake) changed_.notify_all();
}

void event_sender::beat(std::chrono::duration<double> interval) { send(of_worker("worker-heartbeat", interval)); }

void event_sender::stamp(wire::event& e) {
  if (!of_task(e)) e.hostname = options_.node;  // a batch names it once
  e.utcoffset = west_;
  e.pid = pid_;
  e.clock = clock_.forward();
  if (!e.timestamp) e.timestamp = unix_seconds(app_.now());
}

void event_sender::trim() {
  if (waiting_.size() + held_ <= options_.most_kept) return;
  auto const many = std::min(waiting_.size(), waiting_.size() + held_ - options_.most_kept);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(many));
  dropped_ += many;
}

wire::event event_sender::of_worker(char const* type, std::chrono::duration<double> interval) const {
  auto const now = vitals_ ? vitals_() : vitals{};
  wire::event e;
  e.type = type;
  e.fields = {{"freq", interval.count()},  {"active", now.active}, {"processed", now.processed},
              {"loadavg", load_average()}, {"sw_ident", "lovage"}, {"sw_ver", LOVAGE_VERSION},
              {"sw_sys", system_name()}};
  return e;
}

void event_sender::run() {
  for (;;) {
    try {
      turn();
    } catch (std::exception const& e) {  // memory, as a rule; what is kept is tried again
      log::error(std::string{"events: "} + e.what());
    }
    std::unique_lock lock{mutex_};
    if (stop_ && (waiting_.empty() && unsent_.empty())) return;
    if (stop_ && faults_.count() > 0) return;  // it was tried once more; nobody is there
    bool const failing = faults_.count() > 0;
    auto until = options_.heartbeat ? next_beat_ : steady::now() + 1h;
    if (failing) until = std::min(until, steady::now() + faults_.wait());
    changed_.wait_until(lock, until, [&] { return stop_ || (!failing && !waiting_.empty()); });
    if (!failing && !stop_ && !urgent_) changed_.wait_for(lock, collecting, [&] { return stop_ || urgent_; });
    urgent_ = false;
  }
}

// One round: the heartbeat when it is due, and what waits for the broker.
void event_sender::turn() {
  auto const now = steady::now();
  if (options_.heartbeat && now >= next_beat_) {
    west_ = event_mail::hours_west();
    // One that could not be sent is stale.
    if (faults_.count() == 0) send(of_worker("worker-heartbeat", options_.interval));
    next_beat_ = now + std::chrono::duration_cast<steady::duration>(options_.interval);
  }
  auto more = pack();
  std::move(more.begin(), more.end(), std::back_inserter(unsent_));
  bool stopping = false;
  {
    std::lock_guard const lock{mutex_};
    stopping = stop_;
  }
  if (unsent_.empty()) return;
  auto const done = publish(deadline::in(stopping ? last_step : step));
  if (done) {
    forget_unsent();
    if (auto line = faults_.works(now)) log::warning(*line);
  } else {
    if (auto line = faults_.failed("send events", done.error(), now)) log::warning(*line);
    if (!may_pass(done.error().code)) forget_unsent();
  }
  tell_drops();
}

void event_sender::forget_unsent() {
  unsent_.clear();
  std::lock_guard const lock{mutex_};
  held_ = 0;
}

// What waits, as messages; while the broker is away nothing more than it held before.
std::vector<broker::outgoing> event_sender::pack() {
  std::vector<broker::outgoing> out;
  if (!unsent_.empty()) return out;
  std::vector<wire::event> all;
  {
    std::lock_guard const lock{mutex_};
    all.swap(waiting_);
    held_ = all.size();
  }
  auto const keep = [&](expected<broker::outgoing> m) {
    if (m) return out.push_back(*std::move(m));
    log::warning("events cannot be written: " + m.error().text());
  };
  std::span<wire::event const> rest{all};
  while (!rest.empty()) {
    auto const end = std::find_if_not(rest.begin(), rest.end(), of_task);
    auto const tasks = std::min(static_cast<std::size_t>(end - rest.begin()), batch_size);
    keep(tasks > 0 ? event_mail::write(rest.first(tasks), options_.node, mail_)
                   : event_mail::write(rest.front(), mail_));
    rest = rest.subspan(std::max<std::size_t>(tasks, 1));
  }
  return out;
}

expected<void> event_sender::publish(deadline until) {
  if (!producer_) {
    auto on = app_.sending_transport(until);
    if (!on) return fail(on.error());
    auto made = (*on)->make_producer(until);
    if (!made) return fail(made.error());
    producer_ = *std::move(made);
  }
  return producer_->publish(unsent_, until);
}

void event_sender::tell_drops() {
  auto const now = steady::now();
  auto const all = dropped_.load();
  if (all == drops_told_ || now - told_drops_ < between_tellings) return;
  log::warning("events: " + std::to_string(all - drops_told_) +
               " were dropped, the oldest ones: the broker does not take them as fast as they come");
  drops_told_ = all;
  told_drops_ = now;
}

}  // namespace lovage::work
