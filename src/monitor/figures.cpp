#include "monitor/figures.hpp"

#include "monitor/event_fields.hpp"
#include "monitor/task_record.hpp"

#include <algorithm>

namespace lovage::monitor {
namespace {

constexpr std::size_t most_begun = 20'000;

std::int64_t whole_seconds(time_point t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}
time_point moment_of(std::int64_t seconds) { return time_point{std::chrono::seconds{seconds}}; }

void count(std::string_view type, counts& n) {
  if (type == "task-sent")
    ++n.sent;
  else if (type == "task-received")
    ++n.received;
  else if (type == "task-started")
    ++n.started;
  else if (type == "task-succeeded")
    ++n.succeeded;
  else if (type == "task-failed")
    ++n.failed;
  else if (type == "task-retried")
    ++n.retried;
  else if (type == "task-revoked")
    ++n.revoked;
  else if (type == "task-rejected")
    ++n.rejected;
}

void add_between(distribution& to, std::optional<time_point> from, time_point until) {
  if (from && until >= *from) to.add(std::chrono::duration<double>(until - *from).count());
}

}  // namespace

void figures::add(wire::event const& e, time_point arrived) {
  if (!e.type.starts_with("task-")) return;
  counts n;
  latencies took;
  count(e.type, n);
  measure(e, arrived, took);
  auto& s = at(arrived);
  s.n += n;
  s.took += took;
  auto& m = minute_at(s.at);
  m.n += n;
  m.took += took;
}

// Clocks of senders and workers differ; what would be negative is not counted.
void figures::measure(wire::event const& e, time_point arrived, latencies& into) {
  auto const id = text_field(e, "uuid", task_record::name_limit);
  if (e.type == "task-sent") {
    task(id).sent = time_of(e, arrived);
  } else if (e.type == "task-received") {
    task(id).received = time_of(e, arrived);
  } else if (auto const known = tasks_.find(id); e.type == "task-started" && known != tasks_.end()) {
    add_between(into.wait, known->second.received, time_of(e, arrived));
    add_between(into.queue, known->second.sent, time_of(e, arrived));
    task_order_.erase(known->second.order);
    tasks_.erase(known);
  }
  if (e.type != "task-succeeded") return;
  if (auto const seconds = real_field(e, "runtime")) into.run.add(*seconds);
}

figures::begun& figures::task(std::string const& id) {
  auto const [known, fresh] = tasks_.try_emplace(id);
  if (!fresh) return known->second;
  known->second.order = ++next_;
  task_order_[next_] = id;
  if (tasks_.size() > most_begun) {
    tasks_.erase(task_order_.begin()->second);
    task_order_.erase(task_order_.begin());
  }
  return tasks_.find(id)->second;
}

figures::second& figures::at(time_point arrived) {
  auto now = whole_seconds(arrived);
  if (!seconds_.empty()) now = std::max(now, seconds_.back().at);  // a clock that was set back
  if (!began_) began_ = now;
  if (seconds_.empty() || seconds_.back().at < now) seconds_.push_back({now, {}, {}, {}});
  while (seconds_.front().at <= now - kept.count()) seconds_.pop_front();
  return seconds_.back();
}

minute& figures::minute_at(std::int64_t second) {
  auto const of = second - second % 60;
  auto& m = minutes_[of];
  m.begin = moment_of(of);
  while (minutes_.size() > 60) minutes_.erase(minutes_.begin());  // nobody takes them
  return m;
}

void figures::set_backlog(std::map<std::string, std::uint64_t> ready, time_point now) {
  auto& s = at(now);
  minute_at(s.at).backlog = ready;
  s.backlog = std::move(ready);
}

counts figures::total(std::chrono::seconds window, time_point now) const {
  counts out;
  auto const end = whole_seconds(now);
  for (auto const& s : seconds_)
    if (s.at > end - window.count() && s.at <= end) out += s.n;
  return out;
}

latencies figures::took(std::chrono::seconds window, time_point now) const {
  latencies out;
  auto const end = whole_seconds(now);
  for (auto const& s : seconds_)
    if (s.at > end - window.count() && s.at <= end) out += s.took;
  return out;
}

rates figures::per_second(std::chrono::seconds window, time_point now) const {
  auto const age = began_ ? std::max<std::int64_t>(1, whole_seconds(now) - *began_) : window.count();
  auto const over = static_cast<double>(std::clamp<std::int64_t>(window.count(), 1, age));
  // The second that is running is not full yet.
  auto const n = total(window, now - std::chrono::seconds{began_ && age > 1 ? 1 : 0});
  auto const rate = [&](std::uint64_t v) { return static_cast<double>(v) / over; };
  return {rate(n.received), rate(n.started), rate(n.succeeded), rate(n.failed), rate(n.retried)};
}

std::vector<minute> figures::take_minutes(time_point now) {
  std::vector<minute> out;
  auto const running = whole_seconds(now) - whole_seconds(now) % 60;
  for (auto const& [at, m] : minutes_) out.push_back(m);
  std::erase_if(minutes_, [&](auto const& m) { return m.first < running; });
  return out;
}

minute figures::running_minute(time_point now) const {
  auto const at = minutes_.find(whole_seconds(now) - whole_seconds(now) % 60);
  return at == minutes_.end() ? minute{} : at->second;
}

void figures::resume(minute const& from) {
  auto& m = minutes_[whole_seconds(from.begin)];
  m.begin = from.begin;
  m.n += from.n;
  m.took += from.took;
}

}  // namespace lovage::monitor
