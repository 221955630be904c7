#include "beat/agenda.hpp"

#include "core/log.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace lovage::beats {

using namespace std::chrono_literals;

struct agenda::rare {
  static constexpr auto never = time_point::max();
  periodic_options::seconds grace{-1}, spread{0}, jitter{0};  ///< grace: negative when it is not given
  time_point start = time_point::min(), end = never, last_due = never;
};

namespace {

constexpr periodic_options::seconds grace_of_none{60};
// Of `catch_up::all`, after an outage. What is older is gone.
constexpr std::size_t most_caught_up = 1'000;
// A jitter much longer than the schedule's period: some occurrences are then sent sooner than the dice say.
constexpr int most_steps_back = 1'000;
// Smaller steps back are no news: clocks are corrected all the time.
constexpr auto clock_slack = 1s;
constexpr std::chrono::microseconds tick{1};
constexpr std::size_t chunk_size = 256 * 1024;

bool is_usual(entry const& e) {
  auto const& w = e.with;
  return !w.grace_ && w.spread_.count() == 0 && w.jitter_.count() == 0 && !w.start_ && !w.end_ &&
         w.overlap_ == overlap::allow;
}

// What `catch_up::all` begins with: no more than so many occurrences ago.
time_point bounded(schedule const& when, time_point from, time_point now) {
  if (when.between(from, now, most_caught_up + 1).size() <= most_caught_up) return from;
  auto at = now + tick;
  for (std::size_t i = 0; i < most_caught_up; ++i) at = when.previous(at).value_or(at);
  return at - tick;
}

}  // namespace

agenda::rare* agenda::rare_of(slot const& s) const {
  return s.has_rare ? std::launder(reinterpret_cast<rare*>(s.texts)) : nullptr;
}
char const* agenda::texts_of(slot const& s) const { return s.texts + (s.has_rare ? sizeof(rare) : 0); }
std::string_view agenda::name(place at) const { return texts_of(slots_[at]); }
std::string_view agenda::call(place at) const {
  auto const n = name(at);
  return n.data() + n.size() + 1;
}
std::optional<time_point> agenda::last_due(place at) const {
  auto const* r = rare_of(slots_[at]);
  return r == nullptr || r->last_due == rare::never ? std::nullopt : std::optional{r->last_due};
}
std::optional<time_point> agenda::next() const {
  return heap_.empty() ? std::nullopt : std::optional{slots_[heap_.front()].wake};
}

void agenda::clear() {
  for (auto const& s : slots_)
    if (s.owns_texts) delete[] s.texts;
  chunks_.clear();
  chunk_left_ = 0;
  slots_.clear();
  heap_.clear();
  by_name_.clear();
  free_.clear();
}

void agenda::apply(changes const& what, time_point now) {
  if (!what.all) {
    for (auto const& name : what.removed) erase(name);
    for (auto const& e : what.put) put(e, now);
    return;
  }
  clear();
  for (auto* v : {&heap_, &by_name_}) v->reserve(what.put.size());
  slots_.reserve(what.put.size());
  for (auto const& e : what.put) {
    auto made = e.enabled ? make(e, now, true) : std::nullopt;
    if (!made) continue;
    auto const at = static_cast<place>(slots_.size());
    slots_.push_back(*std::move(made));
    by_name_.push_back(at);
    schedule_next(at);
  }
  std::sort(by_name_.begin(), by_name_.end(), [this](place a, place b) { return name(a) < name(b); });
}

std::size_t agenda::lower(std::string_view wanted) const {
  auto const at =
      std::lower_bound(by_name_.begin(), by_name_.end(), wanted, [this](place p, auto n) { return name(p) < n; });
  return static_cast<std::size_t>(at - by_name_.begin());
}

std::optional<agenda::place> agenda::find(std::string_view wanted) const {
  auto const i = lower(wanted);
  return i < by_name_.size() && name(by_name_[i]) == wanted ? std::optional{by_name_[i]} : std::nullopt;
}

void agenda::put(entry const& e, time_point now) {
  erase(e.name);
  auto made = e.enabled ? make(e, now, false) : std::nullopt;
  if (!made) return;
  auto const i = static_cast<std::ptrdiff_t>(lower(e.name));
  place at = static_cast<place>(slots_.size());
  if (free_.empty()) {
    slots_.push_back(*std::move(made));
  } else {
    at = free_.back();
    free_.pop_back();
    slots_[at] = *std::move(made);
  }
  by_name_.insert(by_name_.begin() + i, at);
  schedule_next(at);
}

void agenda::erase(std::string_view wanted) {
  auto const i = lower(wanted);
  if (i == by_name_.size() || name(by_name_[i]) != wanted) return;
  auto const at = by_name_[i];
  take_out(at);
  by_name_.erase(by_name_.begin() + static_cast<std::ptrdiff_t>(i));
  if (slots_[at].owns_texts) delete[] slots_[at].texts;
  slots_[at].owns_texts = false;
  free_.push_back(at);
}

void agenda::drop(place at) { take_out(at); }

// `rare` in front of texts has to be aligned, texts alone have not. A chunk's size is a multiple of that.
agenda::room agenda::make_room(std::size_t octets, bool shared, bool aligned) {
  if (!shared || octets > chunk_size) return {new char[octets], true};
  auto const gap = aligned ? chunk_left_ % alignof(rare) : 0;
  if (octets + gap > chunk_left_) {
    chunks_.emplace_back(new char[chunk_size]);
    chunk_left_ = chunk_size;
  } else {
    chunk_left_ -= gap;
  }
  auto* const at = chunks_.back().get() + (chunk_size - chunk_left_);
  chunk_left_ -= octets;
  return {at, false};
}

std::optional<agenda::slot> agenda::make(entry const& e, time_point now, bool shared) {
  auto when = e.when.settled(e.name, with_.zone);
  if (!when) {
    log::error("beat: the entry '" + e.name + "' is left out: " + when.error().text());
    return std::nullopt;
  }
  bool const rarely = !is_usual(e);
  auto const head = rarely ? sizeof(rare) : 0;
  auto const [texts, owned] = make_room(head + e.name.size() + e.call.size() + 2, shared, rarely);
  std::memcpy(texts + head, e.name.c_str(), e.name.size() + 1);
  std::memcpy(texts + head + e.name.size() + 1, e.call.c_str(), e.call.size() + 1);
  auto const counts_from = std::min(e.counts_from, now);  // ahead of us: a clock was set back since
  slot out{*std::move(when),
           texts,
           counts_from,
           {},
           nowhere,
           static_cast<std::uint8_t>(e.with.catch_up_),
           static_cast<std::uint8_t>(e.with.overlap_),
           e.with.one_off_,
           rarely,
           owned};
  if (rarely) {
    auto& r = *::new (texts) rare;
    if (e.with.grace_) r.grace = *e.with.grace_;
    r.spread = e.with.spread_;
    r.jitter = e.with.jitter_;
    r.start = e.with.start_.value_or(r.start);
    r.end = e.with.end_.value_or(r.end);
    r.last_due = e.last_due.value_or(r.last_due);
    if (e.with.start_) out.counts_from = std::max(out.counts_from, r.start - tick);
  }
  if (e.with.catch_up_ == catch_up::all && out.counts_from < now)
    out.counts_from = bounded(out.when, out.counts_from, now);
  return out;
}

time_point agenda::sending(slot const& s, time_point due) const {
  auto const* r = rare_of(s);
  if (r == nullptr) return due;
  return sending_time(texts_of(s), due, periodic_options{}.spread(r->spread).jitter(r->jitter));
}

// The sending time before which it is too late; nothing: never.
std::optional<time_point> agenda::grace_limit(slot const& s, time_point now) const {
  auto const* r = rare_of(s);
  bool const none = s.catching_up == static_cast<std::uint8_t>(catch_up::none);
  bool const cron = std::holds_alternative<crontab>(s.when.kind());
  auto const usual = none ? grace_of_none : cron ? with_.cron_grace : periodic_options::seconds{0};
  auto const grace = r != nullptr && r->grace.count() >= 0 ? r->grace : usual;
  return grace.count() > 0 ? std::optional{now - whole_us(grace)} : std::nullopt;
}

// The last occurrence whose sending time has come; nothing when it was decided before.
std::optional<time_point> agenda::newest(slot const& s, time_point now) const {
  auto const* r = rare_of(s);
  auto before = now + tick;
  if (r != nullptr) before = std::min(before, r->end);
  // As a rule it is the only one, which is found sooner from this side.
  auto const first = s.when.next(s.counts_from);
  if (!first || *first >= before) return std::nullopt;
  auto const second = s.when.next(*first);
  if ((!second || *second >= before || sending(s, *second) > now) && sending(s, *first) <= now) return first;
  auto due = s.when.previous(before);
  for (int i = 0; due && *due > s.counts_from; ++i) {
    if (sending(s, *due) <= now) return due;
    if (i == most_steps_back) return due;
    due = s.when.previous(*due);
  }
  return std::nullopt;
}

std::optional<agenda::item> agenda::due_at(place at, time_point now) const {
  auto const& s = slots_[at];
  auto const last = newest(s, now);
  if (!last) return std::nullopt;
  auto const limit = grace_limit(s, now);
  auto const timely = [&](time_point due) { return !limit || sending(s, due) >= *limit; };
  if (s.catching_up != static_cast<std::uint8_t>(catch_up::all) || !timely(*last))
    return item{at, *last, timely(*last)};
  auto from = s.counts_from;
  if (limit) {  // spread and jitter only move it later
    auto const* r = rare_of(s);
    auto const late = r == nullptr ? 0us : whole_us(r->spread + r->jitter);
    from = std::max(from, *limit - late - tick);
  }
  auto due = s.when.next(from);
  while (due && *due < *last && !timely(*due)) due = s.when.next(*due);
  return item{at, due.value_or(*last), true};
}

std::vector<agenda::item> agenda::step(time_point now, std::size_t limit) {
  if (now + clock_slack < seen_) turn_back(now);
  seen_ = now;
  std::vector<item> out;
  while (!heap_.empty() && out.size() < limit && slots_[heap_.front()].wake <= now) {
    auto const at = heap_.front();
    take_out(at);
    if (auto const found = due_at(at, now)) {
      out.push_back(*found);
    } else {
      schedule_next(at);
      if (slots_[at].heap_at != nowhere && slots_[at].wake <= now) again_at(at, now + clock_slack);
    }
  }
  return out;
}

// The clock was set back: what was decided ahead of it no longer holds anything up. Claims see to it that no moment
// runs twice.
void agenda::turn_back(time_point now) {
  for (auto const at : by_name_) {
    slots_[at].counts_from = std::min(slots_[at].counts_from, now);
    take_out(at);
    schedule_next(at);
  }
}

void agenda::decided(place at, time_point due) {
  slots_[at].counts_from = std::max(slots_[at].counts_from, due);
  take_out(at);
  schedule_next(at);
}

void agenda::again_at(place at, time_point when) {
  take_out(at);
  slots_[at].wake = when;
  push(at);
}

void agenda::sent(place at, time_point due) {
  if (auto* r = rare_of(slots_[at])) r->last_due = due;
}

void agenda::schedule_next(place at) {
  auto& s = slots_[at];
  auto const due = s.when.next(s.counts_from);
  auto const* r = rare_of(s);
  if (!due || (r != nullptr && *due >= r->end)) return;
  s.wake = sending(s, *due);
  push(at);
}

void agenda::place_in_heap(std::uint32_t heap_at, place at) {
  heap_[heap_at] = at;
  slots_[at].heap_at = heap_at;
}

void agenda::up(std::uint32_t i) {
  auto const at = heap_[i];
  for (; i > 0 && slots_[heap_[(i - 1) / 2]].wake > slots_[at].wake; i = (i - 1) / 2)
    place_in_heap(i, heap_[(i - 1) / 2]);
  place_in_heap(i, at);
}

void agenda::down(std::uint32_t i) {
  auto const at = heap_[i];
  auto const n = static_cast<std::uint32_t>(heap_.size());
  for (auto child = 2 * i + 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && slots_[heap_[child + 1]].wake < slots_[heap_[child]].wake) ++child;
    if (slots_[heap_[child]].wake >= slots_[at].wake) break;
    place_in_heap(i, heap_[child]);
    i = child;
  }
  place_in_heap(i, at);
}

void agenda::push(place at) {
  heap_.push_back(at);
  up(static_cast<std::uint32_t>(heap_.size() - 1));
}

void agenda::take_out(place at) {
  auto const i = slots_[at].heap_at;
  if (i == nowhere) return;
  slots_[at].heap_at = nowhere;
  auto const last = heap_.back();
  heap_.pop_back();
  if (last == at) return;
  place_in_heap(i, last);
  up(i);
  down(slots_[last].heap_at);
}

}  // namespace lovage::beats
