#include "cli/top_sources.hpp"

#include "app/app_state.hpp"
#include "config/url.hpp"
#include "core/clock.hpp"
#include "io/polling.hpp"

#include <algorithm>

namespace lovage::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::size_t most_failures = 100, most_named = 10'000;
constexpr auto between_looks = 2s, before_another_try = 1s;
constexpr std::chrono::seconds rate_window{60}, total_window{900}, latency_window{300}, chart_span{300}, chart_step{1};

std::string word_of(wire::event const& e, char const* key) {
  auto const* v = find(e.fields, key);
  auto const* s = v != nullptr ? v->get_if<std::string>() : nullptr;
  return s != nullptr ? *s : std::string{};
}

std::vector<double> ended_of(monitor::series const& s) {
  std::vector<double> out;
  for (std::size_t i = 0; i < s.succeeded.size(); ++i) out.push_back(static_cast<double>(s.succeeded[i] + s.failed[i]));
  return out;
}

std::vector<top_queue> queues_of(std::vector<broker::queue_info> const& found, broker::traits const& able,
                                 std::vector<queue_name> const& paused) {
  std::vector<top_queue> out;
  for (auto const& q : found) {
    top_queue one;
    one.name = q.name.str();
    one.ready = q.ready;
    if (able.counts_delayed) one.delayed = q.delayed;
    if (able.counts_claimed) one.claimed = q.claimed;
    if (able.dead_set) one.dead = q.dead;
    one.paused = std::find(paused.begin(), paused.end(), q.name) != paused.end();
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

void failure_fold::add(wire::event const& e, time_point arrived) {
  auto const id = word_of(e, "uuid");
  if (auto const name = word_of(e, "name"); !name.empty() && names_.insert_or_assign(id, name).second) {
    in_order_.push_back(id);
    if (in_order_.size() > most_named) names_.erase(in_order_.front()), in_order_.pop_front();
  }
  if (e.type != "task-failed") return;
  auto const known = names_.find(id);
  failures_.push_front(
      {arrived, known == names_.end() ? std::string{} : known->second, word_of(e, "exception"), e.hostname, id});
  if (failures_.size() > most_failures) failures_.pop_back();
}

std::optional<double> change_of(std::vector<top_queue> const& before, top_queue const& now,
                                std::chrono::duration<double> apart) {
  auto const then = std::find_if(before.begin(), before.end(), [&](top_queue const& q) { return q.name == now.name; });
  if (then == before.end() || apart.count() <= 0) return std::nullopt;
  return (static_cast<double>(now.ready) - static_cast<double>(then->ready)) / apart.count();
}

top_sources::top_sources(app& on) : on_{on}, broker_{mask_url(on.settings().broker_read_url())}, since_{system_now()} {
  io::signal_free const quiet;
  hearing_ = std::thread{[this] { hear(); }};
  looking_ = std::thread{[this] { look(); }};
}

top_sources::~top_sources() {
  {
    std::lock_guard const lock{mutex_};
    ending_ = true;
    if (heard_ != nullptr) heard_->interrupt();
  }
  changed_.notify_all();
  hearing_.join();
  looking_.join();
}

bool top_sources::rest(std::chrono::milliseconds how_long) {
  std::unique_lock lock{mutex_};
  return !changed_.wait_for(lock, how_long, [this] { return ending_; });
}

void top_sources::hear() {
  do {
    auto const opened = detail::event_receiver::open(*on_.state(), "#", deadline::in(5s));
    {
      std::lock_guard const lock{mutex_};
      event_fault_ = opened ? std::string{} : "events: " + opened.error().text();
      heard_ = opened ? opened->get() : nullptr;
    }
    bool good = opened.has_value();
    while (good) {
      auto const events = (*opened)->take(deadline::in(1s));
      auto const now = system_now();
      std::lock_guard const lock{mutex_};
      good = events.has_value() && !ending_;
      if (!events) event_fault_ = "events: " + events.error().text();
      for (auto const& e : events ? *events : std::vector<wire::event>{}) {
        ++events_;
        cluster_.add(e, now);
        figures_.add(e, now);
        failures_.add(e, now);
      }
      if (!good) heard_ = nullptr;
    }
  } while (rest(before_another_try));
}

void top_sources::look_once(deadline until) {
  auto const on = on_.state()->transport(until).value();
  auto const looks = on->make_inspector(until).value();
  do {
    auto const able = on->abilities();
    auto const found = looks->queues().value();
    auto const paused = able.pauses ? looks->paused().value() : std::vector<queue_name>{};
    auto seen = queues_of(found, able, paused);
    auto const now = steady_clock::now();
    std::lock_guard const lock{mutex_};
    for (auto& q : seen) q.change = change_of(queues_, q, now - looked_);
    queues_ = std::move(seen);
    looked_ = now;
    queue_fault_.clear();
  } while (rest(between_looks));
}

void top_sources::look() {
  do {
    try {
      look_once(deadline::in(5s));
    } catch (std::exception const& e) {
      std::lock_guard const lock{mutex_};
      queue_fault_ = std::string{"queues: "} + e.what();
    }
  } while (rest(before_another_try));
}

top_picture top_sources::picture() {
  std::lock_guard const lock{mutex_};
  top_picture out;
  out.broker = broker_;
  out.now = system_now();
  out.since = since_;
  out.fault = event_fault_.empty() ? queue_fault_ : event_fault_;
  out.events = events_;
  cluster_.tick(out.now);
  out.workers = cluster_.workers();
  out.running = cluster_.running();
  out.rate = figures_.per_second(rate_window, out.now);
  out.total = figures_.total(total_window, out.now);
  auto const took = figures_.took(latency_window, out.now);
  out.run = monitor::percentiles::of(took.run);
  out.wait = monitor::percentiles::of(took.wait);
  out.ended = ended_of(figures_.recent(chart_span, chart_step, out.now));
  out.queues = queues_;
  out.failures = failures_.newest();
  return out;
}

}  // namespace lovage::cli
