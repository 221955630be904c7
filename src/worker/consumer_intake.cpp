// The consumer's way in: from deliveries to jobs.
#include "core/log.hpp"
#include "execute/workflow.hpp"
#include "wire/once.hpp"
#include "worker/consumer.hpp"
#include "worker/job_codec.hpp"

#include <algorithm>
#include <unordered_set>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using broker::disposition;
using execute::request;
using std::chrono::steady_clock;

constexpr auto claim_limit = 1s;

std::optional<std::chrono::milliseconds> limit_of(double seconds) {
  if (seconds <= 0) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(std::min(seconds, 1e9)));
}

pool::job job_of(request const& r, execute::policy const& with) {
  auto const request = execute::pack_request(r, with);
  auto const arguments = execute::pack_arguments(r.message);
  pool::job job;
  job.id = r.job;
  job.payload = write_job({r.job, r.message.task, r.message.id.str(), request, arguments});
  job.soft_limit = limit_of(r.options.soft_time_limit_s);
  if (with.hard_limits) job.hard_limit = limit_of(r.options.time_limit_s);
  return job;
}

// Said by the broker, or by a sender that did not learn whether its first attempt had arrived.
bool may_be_copy(broker::delivery const& d) {
  if (d.redelivered) return true;
  auto const* header = find(d.envelope.headers, "redelivered");
  auto const* flag = header ? header->get_if<bool>() : nullptr;
  return flag && *flag;
}

std::optional<std::string> once_text(wire::task_message const& m) {
  auto const* header = find(m.extra_headers, wire::once_header);
  if (header == nullptr || header->is_null()) return std::nullopt;
  auto const* text = header->get_if<std::string>();
  return text ? *text : wire::repr(*header);
}

void log_line(request const& r, char const* what) {
  if (log::enabled(log::level::info))
    log::info("Task " + r.label() + " " + what, {{"task_id", r.message.id.str()}, {"task_name", r.message.task}});
}

}  // namespace

void consumer::choose(std::vector<queue_name> const& from) {
  if (from == chosen_) return;
  to_.source->select(from);
  chosen_ = from;
}

void consumer::claim(room const& into) {
  choose(into.from);
  auto got = to_.source->claim(into.most, deadline::at(next_start(steady_clock::now() + claim_limit)));
  options_.revoked->add(to_.source->revoked());  // before what came with them is looked at
  auto const now = steady_clock::now();
  if (!got) {
    if (auto line = claim_faults_.failed("take messages", got.error(), now)) log::error(*line);
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, claim_faults_.wait(), [&] { return closing_ || draining_ || !inbox_.empty(); });
    return;
  }
  if (auto line = claim_faults_.works(now)) log::warning(*line);
  if (got->empty()) return;
  auto arrivals = read(std::move(*got));
  if (options_.deduplicate) drop_stored(arrivals);
  take_in(std::move(arrivals));
}

void consumer::take_in(std::vector<arrival>&& arrivals) {
  auto const fresh = admit(claim_runs(std::move(arrivals)));
  hand_over(fresh);
  make_way(fresh);
}

// Those that may run. Of a task that was sent twice one sending does, whoever claims it first, and does so again when
// its worker dies over it; the other is acknowledged. What cannot be claimed now waits here, unacknowledged.
std::vector<consumer::arrival> consumer::claim_runs(std::vector<arrival>&& arrivals) {
  std::vector<backend::run_claim> claims;
  for (auto const& a : arrivals)
    if (a.once) claims.push_back({a.what.message.id, *a.once});
  if (claims.empty()) return std::move(arrivals);
  auto const now = steady_clock::now();
  auto const mine = runs_.ask(to_.results.get(), claims, deadline::in(step_limit));
  std::vector<arrival> out;
  std::size_t next = 0;
  for (auto& a : arrivals) {
    if (!a.once) {
      out.push_back(std::move(a));
    } else if (!mine) {
      unclaimed_.push_back(std::move(a));
    } else if ((*mine)[next++]) {
      out.push_back(std::move(a));
    } else {
      log_line(a.what, "was sent more than once and has run, or runs, by another sending; this one is acknowledged");
      owed_.pending().closings.push_back({a.what.job, disposition::done, {}, false});
    }
  }
  auto const line = mine ? run_faults_.works(now) : run_faults_.failed("claim tasks that run once", mine.error(), now);
  if (line) log::write(mine ? log::level::warning : log::level::error, *line);
  next_claim_ = now + run_faults_.wait();
  return out;
}

// True when nothing waits for its claim: then more may be taken.
bool consumer::claim_again(clock::time_point now) {
  if (!unclaimed_.empty() && now >= next_claim_) take_in(std::exchange(unclaimed_, {}));
  return unclaimed_.empty();
}

std::vector<consumer::arrival> consumer::read(std::vector<broker::delivery>&& from) {
  std::vector<arrival> out;
  out.reserve(from.size());
  auto const now = options_.now();
  for (auto& d : from) {
    bool const again = may_be_copy(d);
    d.tag = book_.arrive(d.tag);
    auto r = execute::read(std::move(d), policy_, now, owed_.pending());
    if (!r) continue;
    auto key = call_key(r->message, r->queue);
    auto once = once_text(r->message);
    out.push_back({*std::move(r), std::move(key), again, std::move(once)});
  }
  return out;
}

// A message that this worker has already: one that runs takes over its tag, one that is over is acknowledged.
bool consumer::is_known(arrival const& a) {
  auto const found = book_.look(a.key, a.may_be_copy);
  if (found.what == delivery_book::verdict::fresh) return false;
  auto const running = in_flight_.find(found.job);
  bool const early = running != in_flight_.end() && running->second.settled;
  if (found.what == delivery_book::verdict::over || early) {
    log_line(a.what, early ? "came again while it runs, and is acknowledged"
                           : "came again after it was done here, and is acknowledged");
    owed_.pending().closings.push_back({a.what.job, disposition::done, {}, false});
    return true;
  }
  log_line(a.what, "came again while it is at work here; it is not run twice");
  if (auto const tag = book_.adopt(found.job, a.what.job)) to_.source->started(*tag);
  return true;
}

// `worker_deduplicate_successful_tasks`: what another worker stored counts as well.
void consumer::drop_stored(std::vector<arrival>& arrivals) {
  if (!to_.results) return;
  std::vector<task_id> ids;
  for (auto const& a : arrivals)
    if (a.may_be_copy) ids.push_back(a.what.message.id);
  if (ids.empty()) return;
  auto const stored = to_.results->fetch(ids, deadline::in(step_limit));
  if (!stored) return log::warning("cannot look for results of redelivered tasks: " + stored.error().text());
  std::unordered_map<task_id, value const*> done;
  for (auto const& r : *stored)
    if (r.status == wire::state::success) done.emplace(r.id, &r.result);
  std::erase_if(arrivals, [&](arrival const& a) {
    auto const found = a.may_be_copy ? done.find(a.what.message.id) : done.end();
    if (found == done.end()) return false;
    log_line(a.what, "came again, its result is stored already; it is acknowledged");
    // Whoever stored it may have died before it was counted.
    if (auto part = execute::part_of(a.what, wire::state::success, *found->second, policy_))
      owed_.pending().parts.push_back(*std::move(part));
    owed_.pending().closings.push_back({a.what.job, disposition::done, {}, false});
    return true;
  });
}

std::vector<std::uint64_t> consumer::admit(std::vector<arrival>&& arrivals) {
  std::vector<std::uint64_t> jobs;
  auto const now = options_.now();
  auto const steady = steady_clock::now();
  for (auto& a : arrivals) {
    if (is_known(a)) continue;
    if (is_revoked(a.what)) {
      execute::revoke_request(a.what, policy_, "revoked", now, owed_.pending());
      continue;
    }
    if (!execute::admit(a.what, policy_, now, owed_.pending())) continue;
    auto const when = rates_.empty() ? starts::now : limit_rate(a.what, steady);
    if (when == starts::elsewhere) continue;
    log_line(a.what, "received");
    auto const job = a.what.job;
    book_.enter(job, std::move(a.key));
    enter(job, std::move(a.what));
    if (when == starts::now)
      jobs.push_back(job);
    else
      hold(job, steady);
  }
  return jobs;
}

void consumer::acknowledge_early(std::vector<std::uint64_t> const& jobs) {
  std::vector<execute::closing> early;
  for (auto const job : jobs)
    if (!in_flight_.at(job).options.acks_late) early.push_back({job, disposition::done, {}, false});
  if (early.empty()) return;
  auto const done = to_.source->settle(book_.settlements(early), deadline::in(step_limit));
  if (!done) {  // stays claimed: it is run as acks_late
    if (auto line = claim_faults_.failed("acknowledge early", done.error(), steady_clock::now())) log::error(*line);
    return;
  }
  book_.acknowledged(early);
  for (auto const& e : early) in_flight_.at(e.job).settled = true;
}

void consumer::hand_over(std::vector<std::uint64_t> const& jobs) {
  if (jobs.empty()) return;
  acknowledge_early(jobs);
  submit(jobs);
}

void consumer::submit(std::vector<std::uint64_t> const& jobs) {
  if (jobs.empty()) return;
  std::vector<pool::job> out;
  out.reserve(jobs.size());
  for (auto const job : jobs) out.push_back(job_of(in_flight_.at(job), policy_));
  running_ = in_flight_.size();
  pool_.submit(std::move(out));
}

}  // namespace lovage::work
