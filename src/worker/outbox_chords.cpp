// The outbox's part in chords: announced before their headers, counted after the members' records, their bodies sent by
// whoever is handed the end.
#include "core/log.hpp"
#include "worker/outbox.hpp"

#include <iterator>
#include <unordered_set>

namespace lovage::work {
namespace {

using namespace std::chrono_literals;

constexpr auto adoption_interval = 10s;
constexpr std::size_t adopted_at_once = 100;

task_id id_of(broker::outgoing const& m) {
  auto const* id = find(m.envelope.headers, "id");
  auto const* text = id ? id->get_if<std::string>() : nullptr;
  return task_id{text ? *text : std::string{}};
}

}  // namespace

expected<void> outbox::announce(execute::chord_news const& chords, deadline until) {
  if (!chords.now.empty())
    if (auto ok = to_->results->start_chords(chords.now, expires_, until); !ok) return ok;
  if (chords.later.empty()) return {};
  return to_->results->start_chords(chords.later, backend::kept_bodies(expires_), until);
}

expected<void> outbox::announce_all(std::span<execute::sequel> what, deadline until) {
  if (!to_->results) return {};
  for (auto& s : what)
    for (; !s.grown.empty(); s.grown.pop_back())  // once, however often the messages are tried
      if (auto ok = to_->results->grow_chord(s.grown.back().group, s.grown.back().added, until); !ok) return ok;
  for (auto& s : what)
    if (std::exchange(s.may_have_run, false)) drop_what_ran(s.messages, until);
  execute::chord_news all;
  for (auto const& s : what) {
    all.now.insert(all.now.end(), s.chords.now.begin(), s.chords.now.end());
    all.later.insert(all.later.end(), s.chords.later.begin(), s.chords.later.end());
  }
  return announce(all, until);
}

expected<void> outbox::publish_one(execute::sequel& what, deadline until) {
  if (auto known = announce_all({&what, 1}, until); !known) return known;
  return to_->producer->publish(what.messages, until);
}

expected<void> outbox::count_all(std::span<execute::ended_part> parts, deadline until) {
  std::vector<backend::chord_part> ended;
  std::vector<value> bodies;
  for (auto const& p : parts) {
    ended.push_back(p.part);
    bodies.push_back(p.body);
  }
  auto ends = to_->results->count_parts(ended, bodies, expires_, until);
  if (!ends) return fail(ends.error());
  for (auto& end : *ends) {
    auto const* by = end.by ? &parts[*end.by] : nullptr;
    conclude_(std::move(end), by, pending_);
  }
  return {};
}

bool outbox::count(deadline until, clock::time_point now) {
  if (pending_.parts.empty()) return true;
  if (!to_->results) return pending_.parts.clear(), true;
  auto parts = std::exchange(pending_.parts, {});  // to conclude a chord may add parts of another
  auto done = count_all(parts, until);
  if (!done && !may_pass(done.error().code)) done = count_one_by_one(parts, until);
  if (done) return true;
  std::move(parts.begin(), parts.end(), std::back_inserter(pending_.parts));
  return failed("count parts of chords", done.error(), now), false;
}

// A result that cannot be written in the backend's form fails its chord, and holds up no other.
expected<void> outbox::count_one_by_one(std::vector<execute::ended_part>& parts, deadline until) {
  while (!parts.empty()) {
    auto& p = parts.back();
    auto done = count_all({&p, 1}, until);
    if (!done && !may_pass(done.error().code)) {
      p.part.status = wire::state::failure;
      p.part.result = wire::exception_info{"EncodeError", {done.error().text()}, "kombu.exceptions"}.to_value();
      done = count_all({&p, 1}, until);
    }
    if (!done && may_pass(done.error().code)) return done;
    if (!done) log::error("a part of chord " + p.part.group + " cannot be counted: " + done.error().text());
    parts.pop_back();
  }
  return {};
}

bool outbox::fetch_bodies(deadline until, clock::time_point now) {
  while (!pending_.bodies.empty()) {
    auto& b = pending_.bodies.back();
    auto body = to_->results ? to_->results->chord_body(b.end.group, until) : expected<value>{value{}};
    if (!body && may_pass(body.error().code)) return failed("fetch a chord's body", body.error(), now), false;
    if (body) b.end.body = *std::move(body);
    auto mine = std::move(b);
    pending_.bodies.pop_back();
    auto const before = pending_.sequels.size();
    conclude_(std::move(mine.end), &mine.by, pending_);
    auto& closings = pending_.sequels.size() > before ? pending_.sequels.back().closings : pending_.closings;
    closings.push_back(std::move(mine.delivery));
  }
  return true;
}

// The backend would forget them in time: what fails here costs no more than a body that is looked at twice.
void outbox::end_chords(deadline until) {
  if (pending_.ended.empty()) return;
  if (to_->results)
    if (auto done = to_->results->end_chords(pending_.ended, until); !done)
      if (may_pass(done.error().code)) return;
  pending_.ended.clear();
}

void outbox::adopt_chords(std::chrono::milliseconds step, clock::time_point now) {
  if (now < next_adoption_ || !to_->results || !conclude_ || faults_.count() > 0) return;
  next_adoption_ = now + adoption_interval;
  auto ends = to_->results->claim_chords(adopted_at_once, deadline::in(step));
  if (!ends) {
    if (auto line = adoption_faults_.failed("look for chords that were left", ends.error(), now)) log::warning(*line);
    return;
  }
  if (auto line = adoption_faults_.works(now)) log::warning(*line);
  for (auto& end : *ends) {
    log::warning("Chord " + end.group + " was complete and its body was not sent: it is taken over");
    auto const before = pending_.sequels.size();
    conclude_(std::move(end), nullptr, pending_);
    for (auto i = before; i < pending_.sequels.size(); ++i) {
      drop_what_ran(pending_.sequels[i].messages, deadline::in(step));
      mark_as_copies(pending_.sequels[i].messages);
    }
  }
}

// Whoever had the claim, or ran the task before, may have died after this was sent: what has a record by now was there.
void outbox::drop_what_ran(std::vector<broker::outgoing>& messages, deadline until) {
  std::vector<task_id> ids;
  for (auto const& m : messages) ids.push_back(id_of(m));
  auto const records = to_->results->fetch(ids, until);
  if (!records) return;
  std::unordered_set<task_id> there;
  for (auto const& r : *records)
    if (r.status != wire::state::pending) there.insert(r.id);
  std::erase_if(messages, [&](broker::outgoing const& m) { return there.contains(id_of(m)); });
}

}  // namespace lovage::work
