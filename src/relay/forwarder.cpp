#include "relay/forwarder.hpp"

#include "core/ids.hpp"
#include "core/log.hpp"
#include "relay/forwarding.hpp"
#include "worker/connecting.hpp"

#include <algorithm>

namespace lovage::relaying {
namespace {

using namespace std::chrono_literals;
using broker::disposition;

constexpr auto connect_limit = 10s;
constexpr auto step_limit = 5s;
constexpr auto claim_limit = 1s;
// New queues of the source are found this late.
constexpr auto look_interval = 2s;
// Of bodies, between two confirmations.
constexpr std::size_t batch_octets = 16 * 1024 * 1024;

std::string fresh_text() { return random_uuid().str(); }

}  // namespace

forwarder::forwarder(std::shared_ptr<detail::app_state> source, std::shared_ptr<detail::app_state> target,
                     std::vector<std::string> queues, std::size_t batch)
    : source_app_{std::move(source)},
      target_app_{std::move(target)},
      queues_{std::move(queues)},
      batch_{std::max<std::size_t>(1, batch)} {}

void forwarder::stop() {
  std::lock_guard const lock{mutex_};
  stopping_ = true;
  if (source_) source_->interrupt();
  changed_.notify_all();
}

forwarder_state forwarder::state() const {
  std::lock_guard const lock{mutex_};
  return said_;
}

expected<void> forwarder::run() {
  auto done = connect();
  for (bool on = source_ != nullptr; on;) {
    turn();
    std::lock_guard const lock{mutex_};
    on = !stopping_;
    said_.turned = clock::now();
  }
  if (source_) {
    (void)settle();  // what could not be settled comes again, and is recognised
    source_->close();
  }
  std::lock_guard const lock{mutex_};
  said_.ready = false;
  return done;
}

// Until both are there, or it is told to stop.
expected<void> forwarder::connect() {
  for (;;) {
    auto done = open(deadline::in(connect_limit));
    if (!done && !work::worth_a_retry(done.error().code)) return done;
    if (done) works();
    if (!done) failed("connect", done.error()), pause();
    std::lock_guard const lock{mutex_};
    said_.ready = bool(done);
    said_.turned = clock::now();
    if (done || stopping_) return {};
  }
}

expected<void> forwarder::open(deadline until) {
  auto to = target_app_->producer(until);
  if (!to) return fail(to.error());
  auto on = source_app_->transport(until);
  if (!on) return fail(on.error());
  auto look = (*on)->make_inspector(until);
  if (!look) return fail(look.error());
  look_ = *std::move(look);
  broker::consumer_options with;
  with.session_name = "relay@" + host_name();
  with.prefetch = 2 * batch_;
  auto known = known_queues();
  if (!known) return fail(known.error());
  with.queues = *std::move(known);
  auto source = (*on)->make_consumer(with, until);
  if (!source) return fail(source.error());
  (*source)->allow(batch_octets);
  for (auto const& q : with.queues) taken_.insert(q.str());
  buries_ = (*on)->abilities().dead_set;
  source_on_ = *std::move(on);
  target_ = *std::move(to);
  std::lock_guard const lock{mutex_};
  source_ = *std::move(source);
  return {};
}

expected<std::vector<queue_name>> forwarder::known_queues() {
  std::set<std::string> names(queues_.begin(), queues_.end());
  if (queues_.empty()) {
    auto const there = look_->queues();
    if (!there) return fail(there.error());
    for (auto const& q : *there) names.insert(q.name.str());
    names.insert(source_app_->settings.task_default_queue());
  }
  std::vector<queue_name> out;
  for (auto const& name : names) out.emplace_back(name);
  return out;
}

bool forwarder::follow_queues() {
  auto const now = clock::now();
  if (!queues_.empty() || now < next_look_) return true;
  next_look_ = now + look_interval;
  auto const there = known_queues();
  if (!there) return failed("look for queues", there.error()), false;
  for (auto const& q : *there) {
    if (taken_.contains(q.str())) continue;
    // It is there: whether it may be made is no question here.
    auto spec = source_app_->publishing.where.queues().find(q).value_or(broker::queue_spec{});
    spec.name = q;
    auto const done = source_->subscribe(spec, deadline::in(step_limit));
    if (!done) return failed("take from a new queue", done.error()), false;
    log::info("queue " + q.str() + " is forwarded too");
    taken_.insert(q.str());
  }
  return true;
}

// What waits goes first; more is taken beside it as long as there is room, since one message that the target refuses
// must not hold up all others.
void forwarder::turn() {
  bool const all_queues = follow_queues();
  if (!settle()) return pause();
  auto const limit = waiting_.empty() ? deadline::in(claim_limit) : deadline::in(faults_.wait());
  if (waiting_.size() < batch_ && !take(limit)) return pause();
  bool const sent = waiting_.empty() || send();
  if (sent && all_queues) works();
  if (!sent && waiting_.size() >= batch_) pause();
}

bool forwarder::take(deadline until) {
  auto got = source_->claim(batch_ - waiting_.size(), until);
  if (!got) return failed("take messages", got.error()), false;
  std::move(got->begin(), got->end(), std::back_inserter(waiting_));
  return true;
}

// Each attempt is a sending of its own: whether the one before has arrived is not known.
bool forwarder::send() {
  auto const out = forwarded(waiting_, target_app_->now(), fresh_text);
  auto const done = target_->publish(out, deadline::in(step_limit));
  if (!done && !work::worth_a_retry(done.error().code)) return send_one_by_one();
  if (!done) return failed("forward", done.error()), false;
  for (auto const& d : waiting_) settle_as(d, disposition::done);
  waiting_.clear();
  return settle();
}

// The target refuses something of a batch. Where it takes another message it is about this one, which is buried; where
// it takes none it may be about us.
bool forwarder::send_one_by_one() {
  std::vector<broker::delivery> left;
  std::vector<error_info> why;
  bool some = false;
  for (auto& d : waiting_) {
    auto const done =
        left.size() > why.size()
            ? expected<void>{fail(errc::closed, "")}  // one before it waits: the order stays
            : target_->publish(std::vector{forwarded(d, fresh_text(), target_app_->now())}, deadline::in(step_limit));
    some = some || done;
    if (done) {
      settle_as(d, disposition::done);
      continue;
    }
    if (!work::worth_a_retry(done.error().code)) why.push_back(done.error());
    left.push_back(std::move(d));
  }
  waiting_ = std::move(left);
  if (why.empty()) return waiting_.empty();
  failed("forward", why.back());
  if (!some || why.size() < waiting_.size()) return false;
  for (std::size_t i = 0; i < why.size(); ++i) settle_as(waiting_[i], disposition::bury, why[i].text());
  waiting_.clear();
  return settle();
}

void forwarder::settle_as(broker::delivery const& d, disposition how, std::string reason) {
  if (how == disposition::bury) {
    log::error("a message of queue " + d.queue.str() + " cannot be forwarded: " + reason +
               (buries_ ? "; it is in the dead set of the source" : "; it stays in the source"));
    if (!buries_) return;
  }
  settlements_.push_back({d.tag, how, std::move(reason)});
}

bool forwarder::settle() {
  if (settlements_.empty()) return true;
  auto const done = source_->settle(settlements_, deadline::in(step_limit));
  if (!done) return failed("acknowledge", done.error()), false;
  auto const buried =
      std::count_if(settlements_.begin(), settlements_.end(), [](auto const& s) { return s.how == disposition::bury; });
  std::lock_guard const lock{mutex_};
  said_.refused += static_cast<std::uint64_t>(buried);
  said_.forwarded += settlements_.size() - static_cast<std::size_t>(buried);
  settlements_.clear();
  return true;
}

void forwarder::failed(char const* what, error_info const& why) {
  if (auto line = faults_.failed(what, why, clock::now())) log::error("relay: " + *line);
  std::lock_guard const lock{mutex_};
  ++said_.failures;
  said_.trouble = std::string{what} + ": " + why.text();
}

void forwarder::works() {
  if (auto line = faults_.works(clock::now())) log::warning("relay: " + *line);
  std::lock_guard const lock{mutex_};
  said_.trouble.clear();
}

void forwarder::pause() {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, faults_.wait(), [this] { return stopping_; });
}

}  // namespace lovage::relaying
