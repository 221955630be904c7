#include "beat/dispatcher.hpp"

#include "app/call_of_signature.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"
#include "wire/once.hpp"
#include "wire/serializer.hpp"

namespace lovage::beats {
namespace {

bool may_get_better(errc code) {
  return code == errc::unavailable || code == errc::timeout || code == errc::no_space || code == errc::closed;
}

}  // namespace

expected<raw_call> call_of_entry(std::string_view call) {
  auto v = wire::from_json(call);
  if (!v) return fail(v.error());
  auto s = wire::signature::from_value(*std::move(v));
  if (!s) return fail(s.error());
  return detail::call_of_signature(*std::move(s));
}

expected<raw_call> call_of_occurrence(claimed_call const& c) {
  auto call = call_of_entry(c.call);
  if (!call) return call;
  call->options.id(task_id_of(c.entry, c.due));
  call->options.header(entry_header, c.entry);
  call->options.header(std::string{wire::once_header}, random_uuid().str());
  return call;
}

void dispatcher::add(std::vector<claimed_call> some) {
  std::move(some.begin(), some.end(), std::back_inserter(waiting_));
}

void dispatcher::forget() {
  waiting_.clear();
  notes_.clear();
  trouble_.clear();
}

bool dispatcher::work(deadline until) {
  if (!waiting_.empty()) {
    auto const done = send(waiting_, until);
    if (!done && may_get_better(done.error().code)) return away("send periodic tasks", done.error());
    if (!done && !send_one_by_one(until)) return false;
  }
  return note(until);
}

// All in one batch, by the app's own path.
expected<void> dispatcher::send(std::vector<claimed_call>& some, deadline until) {
  std::vector<raw_call> calls;
  for (auto const& c : some) {
    auto call = call_of_occurrence(c);
    if (!call) return fail(call.error());
    if (trouble_.empty()) log::info("Scheduler: Sending due task " + c.entry + " (" + call->task + ")");
    calls.push_back(*std::move(call));
  }
  auto const ids = detail::send_raw(app_, std::move(calls), until);
  if (!ids) return fail(ids.error());
  for (auto& c : some) sent(std::move(c));
  some.clear();
  return {};
}

// One of them cannot be sent at all: its queue is unknown, say. It must not hold up the others.
bool dispatcher::send_one_by_one(deadline until) {
  auto all = std::exchange(waiting_, {});
  for (auto& c : all) {
    std::vector<claimed_call> one;
    one.push_back(std::move(c));
    auto const done = send(one, until);
    if (done) continue;
    if (may_get_better(done.error().code)) {
      waiting_.push_back(std::move(one.front()));
    } else {
      refused(std::move(one.front()), done.error());
    }
  }
  return waiting_.empty() || away("send periodic tasks", {errc::unavailable, "the broker is away", {}});
}

void dispatcher::sent(claimed_call&& c) {
  if (log::enabled(log::level::debug)) log::debug(c.entry + " sent. id->" + task_id_of(c.entry, c.due).str());
  auto const now = app_.now();
  ++counts_.sent;
  if (now - c.moment > late_after) ++counts_.late;
  notes_.push_back({std::move(c.entry), c.due, now, c.last, true});
}

void dispatcher::refused(claimed_call&& c, error_info const& why) {
  log::error("beat: '" + c.entry + "' cannot be sent, and this run is left out: " + why.text());
  ++counts_.refused;
  notes_.push_back({std::move(c.entry), c.due, app_.now(), false, false});
}

bool dispatcher::note(deadline until) {
  if (!notes_.empty()) {
    std::vector<sent_note> all;
    for (auto const& n : notes_) all.push_back({n.entry, n.due, n.at, n.last, n.counts});
    if (auto const done = store_.note_sent(all, until); !done) return away("reach the schedule store", done.error());
    notes_.clear();
  }
  back();
  return true;
}

bool dispatcher::away(char const* what, error_info const& why) {
  auto text = std::string{"cannot "} + what + ": " + why.text();
  if (trouble_.empty()) log::error("beat: " + text + "; trying again until it can");
  trouble_ = std::move(text);
  return false;
}

void dispatcher::back() {
  if (!trouble_.empty()) log::warning("beat: broker and schedule store are back; what was due is sent");
  trouble_.clear();
}

}  // namespace lovage::beats
