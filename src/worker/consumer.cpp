#include "worker/consumer.hpp"

#include "core/log.hpp"
#include "worker/job_codec.hpp"

#include <algorithm>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

// How long one step at broker or backend may wait for a lock or a server before it is tried again.
constexpr auto step_limit = 5s;

std::optional<std::chrono::milliseconds> limit_of(double seconds) {
  if (seconds <= 0) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(std::min(seconds, 1e9)));
}

pool::job job_of(execute::request const& r, execute::policy const& with) {
  auto const request = execute::pack_request(r, with);
  auto const arguments = execute::pack_arguments(r.message);
  pool::job job;
  job.id = r.tag;
  job.payload = write_job({r.tag, r.message.task, r.message.id.str(), request, arguments});
  job.soft_limit = limit_of(r.options.soft_time_limit_s);
  if (with.hard_limits) job.hard_limit = limit_of(r.options.time_limit_s);
  return job;
}

}  // namespace

consumer::consumer(detail::app_state& app, execute::policy policy, pool::pool& jobs, consumer_options options)
    : app_{app}, policy_{std::move(policy)}, pool_{jobs}, options_{std::move(options)} {}

consumer::~consumer() { close(); }

expected<void> consumer::open(deadline until) {
  auto transport = app_.transport(until);
  if (!transport) return fail(transport.error());
  if (auto ok = app_.publishing.where.can_take(options_.queues, (*transport)->abilities()); !ok) return ok;
  auto producer = app_.producer(until);
  if (!producer) return fail(producer.error());
  producer_ = *std::move(producer);
  if (policy_.store_results) {
    auto results = app_.backend(until);
    if (!results) return fail(results.error());
    results_ = *std::move(results);
  }
  auto source = (*transport)->make_consumer({options_.queues, policy_.node}, until);
  if (!source) return fail(source.error());
  source_ = *std::move(source);
  clock_.emplace([this] { source_->interrupt(); });
  return {};
}

void consumer::start() {
  thread_ = std::thread{[this] { run(); }};
}

void consumer::on_events(std::vector<pool::event>&& events) {
  {
    std::lock_guard const lock{mutex_};
    if (inbox_.empty()) {
      inbox_ = std::move(events);
    } else {
      inbox_.insert(inbox_.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
    }
  }
  changed_.notify_all();
  source_->interrupt();
}

bool consumer::drain(deadline until) {
  draining_ = true;
  source_->interrupt();
  std::unique_lock lock{mutex_};
  auto const done = [this] { return idle_ || !thread_.joinable(); };
  if (until.is_never()) return changed_.wait(lock, done), true;
  return changed_.wait_until(lock, until.when(), done);
}

void consumer::stop_thread() {
  {
    std::lock_guard const lock{mutex_};
    closing_ = true;
  }
  if (source_) source_->interrupt();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void consumer::close() {
  stop_thread();
  clock_.reset();
  if (source_) source_->close();
}

void consumer::run() {
  while (!closing_) {
    try {
      turn();
    } catch (std::exception const& e) {
      log::critical(std::string{"consumer: "} + e.what());
      std::this_thread::sleep_for(100ms);  // a fault of ours must not become a busy loop
    }
  }
  collect();
  (void)flush();
}

// One round: what the pool said becomes effects, effects reach backend and broker, free room is filled.
void consumer::turn() {
  collect();
  bool const flushed = flush();
  if (draining_) give_back_unstarted();
  bool const idle = in_flight_.empty() && pending_.empty();
  {
    std::unique_lock lock{mutex_};
    idle_ = idle && draining_ && inbox_.empty();
    if (idle_) changed_.notify_all();
    bool const full = draining_ || in_flight_.size() >= options_.reserve;
    if (!flushed || full) {
      auto const backoff = flushed ? 1000ms : std::min(1000ms, 10ms * (1 << std::min(failures_, 7)));
      if (!pending_.empty() || inbox_.empty())
        changed_.wait_for(lock, backoff, [&] { return closing_ || (flushed && !inbox_.empty()); });
      return;
    }
  }
  claim(options_.reserve - in_flight_.size());
}

void consumer::collect() {
  std::vector<pool::event> events;
  {
    std::lock_guard const lock{mutex_};
    events.swap(inbox_);
  }
  for (auto& e : events) apply(e);
}

void consumer::apply(pool::event& e) {
  auto const at = in_flight_.find(e.id);
  if (at == in_flight_.end()) return;
  switch (e.kind) {
    case pool::event_kind::started: return execute::conclude_started(at->second, e.pid, policy_, pending_);
    case pool::event_kind::message: {
      auto state = read_state(e.payload);
      return execute::conclude_state(at->second, state.state, std::move(state.meta), policy_, pending_);
    }
    default: return finish(e.id, e);
  }
}

void consumer::finish(std::uint64_t tag, pool::event& e) {
  auto node = in_flight_.extract(tag);
  auto const& r = node.mapped();
  auto const now = app_.now();
  switch (e.kind) {
    case pool::event_kind::lost: return execute::conclude_lost(r, e.reason, policy_, now, pending_);
    case pool::event_kind::timed_out: return execute::conclude_timed_out(r, policy_, now, pending_);
    default: return execute::conclude(r, read_outcome(e.payload), policy_, now, e.runtime, pending_);
  }
}

// A record that cannot be written in the backend's form must not hold up the others: it becomes a FAILURE.
void consumer::store(std::vector<wire::result_record>& records, backend::result_backend& to, expected<void>& outcome,
                     deadline until) {
  outcome = to.store(records, options_.result_expires, until);
  if (outcome || outcome.error().code != errc::encode) return;
  for (auto& r : records) {
    auto const encoded = wire::encode_record(r);
    if (encoded) continue;
    r.status = wire::state::failure;
    r.result = wire::exception_info{"EncodeError", {encoded.error().text()}, "kombu.exceptions"}.to_value();
    r.extended.clear();
    if (!r.date_done) r.date_done = wire::to_iso(app_.now());
  }
  outcome = to.store(records, options_.result_expires, until);
}

// Each part is dropped from `pending_` once it is done, so that a failure further on repeats nothing.
bool consumer::flush() {
  if (pending_.empty()) return true;
  auto const until = deadline::in(step_limit);
  expected<void> done;
  if (!pending_.publish.empty()) {
    if (done = producer_->publish(pending_.publish, until); !done) return report("publish", done.error()), false;
    pending_.publish.clear();
  }
  if (!pending_.records.empty()) {
    if (store(pending_.records, *results_, done, until); !done) return report("store results", done.error()), false;
    pending_.records.clear();
  }
  if (!pending_.settlements.empty()) {
    if (done = source_->settle(pending_.settlements, until); !done) return report("acknowledge", done.error()), false;
    pending_.settlements.clear();
  }
  if (failures_ > 0) log::info("broker and backend work again");
  failures_ = 0;
  return true;
}

void consumer::report(char const* what, error_info const& why) {
  if (failures_++ % 50 == 0)
    log::error(std::string{"cannot "} + what + ": " + why.text() + "; nothing is lost, it is tried again");
}

void consumer::claim(std::size_t room) {
  auto got = source_->claim(room, deadline::in(1s));
  if (!got) {
    report("take messages", got.error());
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, 200ms, [&] { return closing_.load(); });
    return;
  }
  if (got->empty()) return;
  std::vector<execute::request> requests;
  auto const now = app_.now();
  for (auto& delivery : *got) {
    auto r = execute::take_in(std::move(delivery), policy_, now, pending_);
    if (!r) continue;
    if (log::enabled(log::level::info))
      log::info("Task " + r->label() + " received", {{"task_id", r->message.id.str()}, {"task_name", r->message.task}});
    requests.push_back(*std::move(r));
  }
  hand_over(std::move(requests));
}

void consumer::hand_over(std::vector<execute::request>&& requests) {
  std::vector<broker::settlement> early;
  for (auto& r : requests)
    if (!r.options.acks_late) early.push_back({r.tag, broker::disposition::done, {}}), r.settled = true;
  if (!early.empty())
    if (auto done = source_->settle(early, deadline::in(step_limit)); !done) {  // stays claimed: it is run as acks_late
      for (auto& r : requests) r.settled = false;
      report("acknowledge early", done.error());
    }
  std::vector<pool::job> jobs;
  for (auto& r : requests) {
    jobs.push_back(job_of(r, policy_));
    auto const tag = r.tag;
    in_flight_.emplace(tag, std::move(r));
  }
  if (!jobs.empty()) pool_.submit(std::move(jobs));
}

void consumer::give_back_unstarted() {
  for (auto const tag : pool_.withdraw()) {
    auto const at = in_flight_.find(tag);
    if (at == in_flight_.end()) continue;
    if (!at->second.settled) {
      pending_.settlements.push_back({tag, broker::disposition::release, {}});
    } else {  // acknowledged before its run, which now does not come: it is sent again
      auto again =
          detail::outgoing_of(at->second.message, at->second.queue, {policy_.serializer, policy_.compression, false});
      if (again) pending_.publish.push_back(*std::move(again));
    }
    in_flight_.erase(at);
  }
}

}  // namespace lovage::work
