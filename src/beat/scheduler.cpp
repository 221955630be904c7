#include "beat/scheduler.hpp"

#include "core/log.hpp"

#include <algorithm>

namespace lovage::beats {

using namespace std::chrono_literals;

namespace {

constexpr auto store_limit = 3s;  // of one call; less than what is left of a lease
constexpr auto send_limit = 5s;
constexpr auto retry_interval = 1s;
// A store that tells of the leader's end wakes those who wait for other reasons, too.
constexpr auto least_between_asks = 100ms;
// A leader that has just begun is about to write its entries.
constexpr int asks_before_comparing = 2;
constexpr auto overlap_interval = 1s;
constexpr auto cleanup_interval = 1h;
// Few enough that the first of many are not sent late for the others' sake.
constexpr std::size_t decided_at_once = 250, taken_over_at_once = 1'000;

}  // namespace

scheduler::scheduler(detail::app_state& app, std::shared_ptr<schedule_store> store, std::vector<entry> own,
                     options with)
    : app_{app},
      store_{std::move(store)},
      own_{std::move(own)},
      with_{std::move(with)},
      agenda_{with_.times},
      dispatcher_{app_, *store_},
      last_runs_{app_} {
  facts_.name = with_.name;
  facts_.turned = clock::now();
}

void scheduler::run() {
  detail::clock_listener const moved{[this] { store_->interrupt(); }};
  log::info("beat: Starting...");
  while (!stopping_) {
    auto const nap = turn();
    tell_facts();
    if (!stopping_ && nap > nap.zero()) store_->wait(deadline::in(nap));
  }
  if (auto const done = store_->resign(with_.name, deadline::in(store_limit)); !done)
    log::warning("beat: cannot give up the lead; another takes it when it runs out: " + done.error().text());
  set_leading(false);
  log::info("beat: Shutting down...");
}

void scheduler::stop() {
  stopping_ = true;
  store_->interrupt();
}

bool scheduler::wait_leading(deadline until) const {
  std::unique_lock lock{mutex_};
  if (until.is_never()) return leading_changed_.wait(lock, [this] { return leading_; }), true;
  return leading_changed_.wait_until(lock, until.when(), [this] { return leading_; });
}

void scheduler::set_leading(bool yes) {
  std::lock_guard const lock{mutex_};
  leading_ = yes;
  leading_changed_.notify_all();
}

void scheduler::tell_facts() {
  auto counts = dispatcher_.counts();
  counts.left_out = left_out_;
  std::lock_guard const lock{mutex_};
  facts_.leader = holder_;
  facts_.leads = leading_;
  facts_.store_trouble = trouble_;
  facts_.send_trouble = dispatcher_.trouble();
  facts_.entries = agenda_.size();
  facts_.runs = counts;
  facts_.last_tick = app_.now();
  facts_.turned = clock::now();
}

health_facts scheduler::facts() const {
  std::lock_guard const lock{mutex_};
  auto out = facts_;
  out.stopping = stopping_;
  out.now = clock::now();
  return out;
}

scheduler::clock::duration scheduler::turn() {
  if (!lead()) return std::max<clock::duration>(ask_at_ - clock::now(), 1ms);
  // What is claimed goes first; nothing more is claimed while it cannot be sent.
  if (!dispatcher_.idle() && !dispatcher_.work(deadline::in(send_limit))) return retry_interval;
  if (!read_changes() || !take_over() || !work_through()) return retry_interval;
  clean_up();
  return until_next();
}

// Renewed well before it ends; a store that is away for longer costs the lead.
bool scheduler::lead() {
  auto const now = clock::now();
  if (term_ != 0 && now < renew_at_) return true;
  if (term_ == 0 && now < ask_at_ - with_.poll + least_between_asks) return false;
  ask_at_ = now + with_.poll;
  auto const got = store_->lead(with_.name, with_.lease, deadline::in(store_limit));
  if (!got) {
    (void)failed(got.error());
    if (term_ != 0 && now >= lead_until_) end_term("the store could not be reached");
    return term_ != 0;
  }
  worked();
  if (!got->mine) {
    if (term_ != 0) end_term("another scheduler leads: " + got->holder);
    if (holder_ != got->holder) log::info("beat: " + got->holder + " leads; waiting to take over");
    holder_ = got->holder;
    if (++refused_ == asks_before_comparing) say_what_the_leader_lacks();
    return false;
  }
  refused_ = 0;
  renew_at_ = now + with_.lease / 3;
  lead_until_ = now + with_.lease;
  if (term_ != 0 && got->term != term_) end_term("another scheduler led meanwhile");
  if (term_ == 0) {
    term_ = got->term;
    begin_term();
  }
  return true;
}

void scheduler::begin_term() {
  log::info("beat: " + with_.name + " leads");
  holder_ = with_.name;
  counter_ = 0;
  read_at_ = take_over_at_ = clean_at_ = {};
}

void scheduler::end_term(std::string const& why) {
  log::warning("beat: " + with_.name + " leads no longer: " + why);
  term_ = 0;
  holder_.clear();
  set_leading(false);
  agenda_.apply({{}, {}, true, 0}, app_.now());
  dispatcher_.forget();  // the next leader takes over what was not sent
}

bool scheduler::read_changes() {
  auto const now = clock::now();
  if (counter_ != 0 && !store_->abilities().tells && now < read_at_) return true;
  if (counter_ == 0)
    if (auto const done = store_->sync(own_, deadline::in(send_limit)); !done) return failed(done.error());
  auto const what = store_->read(counter_, deadline::in(send_limit));
  if (!what) return failed(what.error());
  agenda_.apply(*what, app_.now());
  bool const first = counter_ == 0;
  counter_ = what->counter;
  read_at_ = now + with_.poll;
  if (first) {
    say_what_overlaps_need();
    set_leading(true);
  } else if (what->all || !what->put.empty() || !what->removed.empty()) {
    log::info("beat: Schedule changed.");
  }
  worked();
  return true;
}

void scheduler::say_what_overlaps_need() const {
  for (auto const at : agenda_.places()) {
    if (agenda_.overlapping(at) == overlap::allow) continue;
    if (auto const why = last_runs_.why_unknown(agenda_.call(at)); !why.empty())
      log::warning("beat: whether a run of '" + std::string{agenda_.name(at)} +
                   "' has ended cannot be known, and its overlap is allowed: " + why);
  }
}

// Another application on the same store, or another release of this one.
void scheduler::say_what_the_leader_lacks() const {
  auto const there = own_.empty() ? expected<changes>{changes{}} : store_->read(0, deadline::in(store_limit));
  if (!there) return;
  for (auto const& e : own_) {
    auto const is_it = [&](entry const& t) { return t.name == e.name && definition_text(t) == definition_text(e); };
    if (std::any_of(there->put.begin(), there->put.end(), is_it)) continue;
    log::warning("beat: " + holder_ + " leads a schedule without this program's '" + e.name +
                 "', which runs when this one leads; another application needs a beat_store_url of its own");
  }
}

// What a scheduler before claimed and did not send. The same id: workers know whether they ran it.
bool scheduler::take_over() {
  auto const now = clock::now();
  if (now < take_over_at_) return true;
  auto const all = store_->take_over(term_, taken_over_at_once, deadline::in(send_limit));
  if (!all) return failed(all.error());
  take_over_at_ = now + claim_life;
  std::vector<claimed_call> some;
  std::vector<sent_note> gone;
  for (auto const& o : *all) {
    auto const at = agenda_.find(o.entry);
    if (!at) {  // paused or removed since
      gone.push_back({o.entry, o.due, app_.now(), false, false});
      continue;
    }
    log::warning("beat: '" + o.entry + "' was claimed and not sent; it is sent now");
    some.push_back({o.entry, o.due, std::string{agenda_.call(*at)}, agenda_.one_off(*at), agenda_.sending(*at, o.due)});
    agenda_.sent(*at, o.due);
    if (agenda_.one_off(*at)) agenda_.drop(*at);
  }
  if (!gone.empty()) (void)store_->note_sent(gone, deadline::in(store_limit));
  dispatcher_.add(std::move(some));
  return dispatcher_.work(deadline::in(send_limit));
}

bool scheduler::work_through() {
  for (;;) {
    if (stopping_) return true;
    auto due = agenda_.step(app_.now(), decided_at_once);
    if (due.empty()) return true;
    heed_overlaps(due);
    if (!decide(due) || !dispatcher_.work(deadline::in(send_limit))) return false;
    tell_facts();
    if (!lead()) return false;
  }
}

// Those that must not run beside themselves, and whose last run has not ended.
void scheduler::heed_overlaps(std::vector<agenda::item>& due) {
  std::vector<past_run> runs;
  std::vector<std::size_t> whose;
  for (std::size_t i = 0; i < due.size(); ++i) {
    auto const last = agenda_.last_due(due[i].at);
    if (!due[i].send || !last || agenda_.overlapping(due[i].at) == overlap::allow) continue;
    if (!last_runs_.why_unknown(agenda_.call(due[i].at)).empty()) continue;
    runs.push_back({task_id_of(agenda_.name(due[i].at), *last), *last});
    whose.push_back(i);
  }
  if (runs.empty()) return;
  auto const running = last_runs_.running(runs, deadline::in(store_limit));
  if (!running) (void)failed(running.error());
  std::vector<agenda::place> later;
  for (std::size_t i = 0; i < whose.size(); ++i) {
    auto& item = due[whose[i]];
    bool const wait = !running || ((*running)[i] && agenda_.overlapping(item.at) == overlap::queue);
    if (wait) {
      later.push_back(item.at);
      agenda_.again_at(item.at, app_.now() + overlap_interval);
    } else {
      heed_overlap(item, (*running)[i]);
    }
  }
  std::erase_if(due, [&](auto const& d) { return std::find(later.begin(), later.end(), d.at) != later.end(); });
}

void scheduler::heed_overlap(agenda::item& of, bool runs) {
  if (!runs) return;
  std::string const name{agenda_.name(of.at)};
  if (agenda_.overlapping(of.at) == overlap::skip) {
    log::info("Scheduler: Skipping " + name + ": its last run has not ended");
    of.send = false;
    return;
  }
  auto const last = agenda_.last_due(of.at);
  log::info("Scheduler: Revoking the last run of " + name + ", which has not ended");
  if (auto const done = last_runs_.cancel(task_id_of(name, *last)); !done)
    log::warning("beat: the last run of '" + name + "' cannot be revoked: " + done.error().text());
}

bool scheduler::decide(std::vector<agenda::item> const& due) {
  std::vector<decision> all;
  for (auto const& d : due) all.push_back({agenda_.name(d.at), d.due, d.send});
  auto const mine = store_->claim(term_, all, deadline::in(store_limit));
  if (!mine) {
    for (auto const& d : due) agenda_.again_at(d.at, app_.now() + retry_interval);
    return failed(mine.error());
  }
  std::vector<claimed_call> some;
  for (std::size_t i = 0; i < due.size(); ++i) {
    auto const at = due[i].at;
    agenda_.decided(at, due[i].due);
    if (!(*mine)[i]) {
      if (due[i].send) continue;
      ++left_out_;
      log::debug("Scheduler: " + std::string{agenda_.name(at)} + " was not sent: too late or held up");
      continue;
    }
    some.push_back({std::string{agenda_.name(at)}, due[i].due, std::string{agenda_.call(at)}, agenda_.one_off(at),
                    agenda_.sending(at, due[i].due)});
    agenda_.sent(at, due[i].due);
    if (agenda_.one_off(at)) agenda_.drop(at);
  }
  dispatcher_.add(std::move(some));
  worked();
  return true;
}

void scheduler::clean_up() {
  auto const now = clock::now();
  if (now < clean_at_) return;
  clean_at_ = now + cleanup_interval;
  if (auto const done = store_->cleanup(deadline::in(store_limit)); !done)
    log::warning("beat: cannot remove old claims: " + done.error().text());
}

// Told once, until it works again. A term that is over is no failure of the store.
bool scheduler::failed(error_info const& why) {
  if (why.code == errc::conflict) {
    if (term_ != 0) end_term(why.detail);
    return false;
  }
  if (trouble_.empty())
    log::error("beat: cannot reach the schedule store: " + why.text() + "; trying again until it can");
  trouble_ = why.text();
  return false;
}

void scheduler::worked() {
  if (!trouble_.empty()) log::warning("beat: the schedule store is back");
  trouble_.clear();
}

scheduler::clock::duration scheduler::until_next() const {
  auto const now = clock::now();
  auto nap = std::min(renew_at_, take_over_at_) - now;
  if (!store_->abilities().tells) nap = std::min(nap, read_at_ - now);
  if (auto const next = agenda_.next()) {
    auto const left = *next - app_.now();
    if (left < nap) nap = std::chrono::duration_cast<clock::duration>(left);
  }
  return std::max(nap, clock::duration{1ms});
}

}  // namespace lovage::beats
