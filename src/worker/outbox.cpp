#include "worker/outbox.hpp"

#include "core/log.hpp"
#include "execute/exception_name.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_set>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;
using broker::disposition;
using execute::sequel;

constexpr auto held_up_interval = 1s;
constexpr int held_up_attempts = 30;  // half a minute of a broker that takes everything else
constexpr std::size_t records_before_thinning = 1'000;

// Of many states of one task only the newest counts. Keeps what is owed bounded while the backend is away.
void keep_newest(std::vector<wire::result_record>& records) {
  std::unordered_set<std::string> seen;
  std::vector<wire::result_record> kept;
  for (auto r = records.rbegin(); r != records.rend(); ++r)
    if (seen.insert(r->id.str()).second) kept.push_back(std::move(*r));
  std::reverse(kept.begin(), kept.end());
  records = std::move(kept);
}

void turn_into_failure(wire::result_record& r, wire::exception_info const& why, time_point now) {
  r.status = wire::state::failure;
  r.result = why.to_value();
  r.traceback.reset();
  r.children = value::list{};
  r.extended.clear();
  r.date_done = wire::to_iso(now);
}

}  // namespace

// Broker or backend may think otherwise a moment later; anything else is about what was sent.
bool outbox::may_pass(errc code) {
  return code == errc::timeout || code == errc::unavailable || code == errc::no_space || code == errc::closed;
}

// Whether an attempt that failed left the messages with the broker is unknown: whoever gets them twice may know that.
void outbox::mark_as_copies(std::vector<broker::outgoing>& messages) {
  for (auto& m : messages) {
    auto& headers = m.envelope.headers;
    if (find(headers, "redelivered") == nullptr) headers.push_back({"redelivered", true});
  }
}

// What can be done at once; what is held up has its own time.
bool outbox::owes_more() const noexcept {
  return !pending_.sequels.empty() || !pending_.records.empty() || !pending_.parts.empty() || !pending_.bodies.empty();
}

bool outbox::flush(std::chrono::milliseconds step, clock::time_point now) {
  if (empty()) return true;
  bool ok = true;
  bool done = true;
  do {  // again when a part that was counted completed a chord: its body goes out before the part's delivery is settled
    ok = send(false, deadline::in(step), now) && ok;
    done = store(deadline::in(step), now);
    if (done) tell();
    done = done && fetch_bodies(deadline::in(step), now) && count(deadline::in(step), now) &&
           send(true, deadline::in(step), now);
  } while (ok && done && owes_more());
  if (done) end_chords(deadline::in(step));
  ok = done && settle(deadline::in(step), now) && ok;
  if (ok)
    if (auto line = faults_.works(now)) log::warning(*line);
  return ok;
}

// True when broker problems leave nothing behind but single tasks that are held up.
bool outbox::send(bool after_records, deadline until, clock::time_point now) {
  auto& all = pending_.sequels;
  auto const due =
      std::stable_partition(all.begin(), all.end(), [&](sequel const& s) { return s.after_records != after_records; });
  if (due != all.end()) {
    std::span<sequel> const batch{due, all.end()};
    auto const done = publish_all(batch, until);
    if (!done && (until.passed() || done.error().code == errc::no_space))
      return failed("publish", done.error(), now), false;
    std::vector<sequel> taken{std::make_move_iterator(due), std::make_move_iterator(all.end())};
    all.erase(due, all.end());
    if (!done) {
      send_one_by_one(std::move(taken), until, now);
    } else {
      for (auto& s : taken) sent(std::move(s));
    }
  }
  if (!after_records) send_held_up(until, now);
  return true;
}

expected<void> outbox::publish_all(std::span<sequel> what, deadline until) {
  if (auto known = announce_all(what, until); !known) return known;
  if (what.size() == 1) {
    if (what.front().messages.empty()) return {};
    auto done = to_->producer->publish(what.front().messages, until);
    if (!done) mark_as_copies(what.front().messages);
    return done;
  }
  std::vector<broker::outgoing> batch;
  for (auto& s : what) std::move(s.messages.begin(), s.messages.end(), std::back_inserter(batch));
  if (batch.empty()) return {};
  auto done = to_->producer->publish(batch, until);
  if (done) return done;
  auto next = batch.begin();
  for (auto& s : what) {
    for (auto& m : s.messages) m = std::move(*next++);
    mark_as_copies(s.messages);
  }
  return done;
}

// The broker refuses something of a batch while it still answers: whose message it is shows when each goes alone.
void outbox::send_one_by_one(std::vector<sequel>&& what, deadline until, clock::time_point now) {
  for (auto& s : what) try_alone({std::move(s), 0, now}, until, now);
}

void outbox::send_held_up(deadline until, clock::time_point now) {
  for (auto& h : std::exchange(held_up_, {}))
    if (h.next > now || until.passed()) {
      held_up_.push_back(std::move(h));
    } else {
      try_alone(std::move(h), until, now);
    }
  if (held_up_.empty()) (void)held_up_faults_.works(now);
}

void outbox::try_alone(held&& h, deadline until, clock::time_point now) {
  auto const done = publish_one(h.what, until);
  if (done) return sent(std::move(h.what));
  auto const& why = done.error();
  bool const about_it = why.code == errc::unavailable && !until.passed() && to_->source->consuming();
  h.attempts += about_it ? 1 : 0;
  if (!may_pass(why.code) || h.attempts >= held_up_attempts) return refused(std::move(h.what), why);
  if (auto line = held_up_faults_.failed("send what follows a task", why, now)) log::error(*line);
  mark_as_copies(h.what.messages);
  h.next = now + held_up_interval;
  held_up_.push_back(std::move(h));
}

void outbox::sent(sequel&& s) { pending_.add(std::move(s)); }

// Nobody will ever take a message of this task: it fails, and is kept in the dead set with the reason.
void outbox::refused(sequel&& s, error_info const& why) {
  auto const text = "a message that follows it cannot be sent: " + why.text();
  log::error("a task " + text);
  if (s.after_records) return sent(std::move(s));  // an errback; the failure itself is stored
  auto const cause = execute::as_exception({why.code, text, {}});
  bool const stores = !s.records.empty() || !s.ended.empty();
  for (auto& e : s.events) {  // it succeeded, or was to be tried again
    auto const was = e.to_value();
    auto const* id = was.find("uuid");
    e.type = "task-failed";
    e.members.clear();
    e.fields = {{"uuid", id ? *id : value{}}, {"exception", cause.type + "('" + cause.text() + "')"}};
  }
  for (auto& r : s.records) turn_into_failure(r, cause, now_());
  for (auto& id : s.waiting) {
    if (!stores) break;
    wire::result_record later;
    later.id = std::move(id);
    turn_into_failure(later, cause, now_());
    s.records.push_back(std::move(later));
  }
  std::move(s.lost.begin(), s.lost.end(), std::back_inserter(s.parts));
  for (auto& p : s.parts) {
    p.part.status = wire::state::failure;
    p.part.result = cause.to_value();
  }
  for (auto& c : s.closings) {
    c.how = disposition::bury;
    c.reason = text;
    c.over = false;
    book_.forget(c.job);
  }
  sent(std::move(s));
}

bool outbox::store(deadline until, clock::time_point now) {
  auto& records = pending_.records;
  if (records.empty()) return true;
  auto done = to_->results ? to_->results->store(records, expires_, until) : expected<void>{};
  if (!done && !may_pass(done.error().code)) done = store_one_by_one(until);
  if (done) return records.clear(), true;
  if (records.size() > records_before_thinning) keep_newest(records);
  return failed("store results", done.error(), now), false;
}

// A record that cannot be written in the backend's form must not hold up the others: it becomes a FAILURE.
expected<void> outbox::store_one_by_one(deadline until) {
  for (auto& r : pending_.records) {
    auto done = to_->results->store({&r, 1}, expires_, until);
    if (!done && !may_pass(done.error().code)) {
      turn_into_failure(r, {"EncodeError", {done.error().text()}, "kombu.exceptions"}, now_());
      done = to_->results->store({&r, 1}, expires_, until);
    }
    if (done) continue;
    if (may_pass(done.error().code)) return done;
    log::error("the result of task " + r.id.str() + " cannot be stored: " + done.error().text());
  }
  return {};
}

void outbox::tell() {
  auto events = std::exchange(pending_.events, {});
  if (!events.empty() && tell_) tell_(std::move(events));
}

bool outbox::settle(deadline until, clock::time_point now) {
  auto& closings = pending_.closings;
  if (closings.empty()) return true;
  auto const done = to_->source->settle(book_.settlements(closings), until);
  if (!done) return failed("acknowledge", done.error(), now), false;
  book_.close(closings);
  closings.clear();
  return true;
}

void outbox::failed(char const* what, error_info const& why, clock::time_point now) {
  if (auto line = faults_.failed(what, why, now)) log::error(*line);
}

}  // namespace lovage::work
