#include "broker/redis/keeper.hpp"

#include "broker/redis/reaper.hpp"
#include "core/log.hpp"

#include <algorithm>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;

constexpr auto settles_soon = 20ms;  // a task that is done within this time leaves no mark
constexpr std::size_t renewed_at_once = 2'000;
constexpr auto marks_kept = 604'800;  // seconds: whoever reaps may come a week later
constexpr auto restore_interval = 60s;

}  // namespace

keeper::keeper(std::shared_ptr<shared> on, std::string session, std::vector<std::string> queues, ledger& of)
    : on_{std::move(on)},
      session_{std::move(session)},
      queues_{std::move(queues)},
      ledger_{of},
      client_{on_->client->clone()},
      lease_{on_->names.with().lovage_lease},
      pace_{std::min(lease_, on_->names.with().visibility_timeout)},
      heartbeat_{on_->with.connection.heartbeat},
      heard_{clock::now().time_since_epoch().count()},
      sound_since_{clock::now()},
      thread_{[this] { run(); }} {}

void keeper::stop() {
  ledger_.stop();
  if (thread_.joinable()) thread_.join();
}

void keeper::learn(std::size_t place, std::string queue) {
  std::lock_guard const lock{mutex_};
  if (queues_.size() <= place) queues_.resize(place + 1);
  queues_[place] = std::move(queue);
}

std::string keeper::queue(std::size_t place) const {
  std::lock_guard const lock{mutex_};
  return queues_[place];
}

bool keeper::heard() const {
  if (heartbeat_.count() <= 0) return true;
  auto const last = clock::time_point{clock::duration{heard_.load()}};
  return clock::now() - last < heartbeat_ + std::min<std::chrono::milliseconds>(pace_ / 15, 2s);
}

void keeper::run() {
  auto const interval = std::max<std::chrono::milliseconds>(pace_ / 15, 10ms);
  while (!ledger_.stopped()) {
    auto const next = ticked_ + interval;
    if (clock::now() >= next) tick();
    if (!ledger_.wait_for_start(std::max(next, clock::now() + 1ms))) continue;
    (void)ledger_.wait_for_stop(clock::now() + settles_soon);
    (void)write_marks(clock::now() - settles_soon);
  }
}

void keeper::tick() {
  auto const now = clock::now();
  bool const gap = ticked_ != clock::time_point{} && now - ticked_ > lease_ / 3;
  ticked_ = now;
  auto const sound = look();
  if (!sound || gap || clock::now() - now > lease_ / 3) sound_since_ = clock::now();
  if (!sound) return say_once("cannot renew the leases of tasks", sound.error());
  heard_ = clock::now().time_since_epoch().count();
  auto const given = reap_now_and_then();
  if (!given) return say_once("cannot give back what lost workers held", given.error());
  said_.clear();
}

void keeper::say_once(std::string const& what, error_info const& why) {
  auto text = what + ": " + why.text();
  if (text == said_) return;
  log::warning(text);
  said_ = std::move(text);
}

expected<void> keeper::look() {
  if (clock::now() - renewed_ >= pace_ / 3) return renew();
  rd::commands ping;
  ping.add({"PING"});
  auto const until = deadline::in(std::min<std::chrono::milliseconds>(pace_ / 6, 3s));
  auto const said = client_->run(ping, rd::repeat::yes, until);
  if (!said) return fail(said.error());
  if (said->front().is_error()) return fail(rd::to_error(said->front()));
  return {};
}

// Done also when nothing is held: only this tells whether the holders of other leases can renew theirs.
expected<void> keeper::renew() {
  auto const held = ledger_.leased();
  std::size_t lost = 0, from = 0;
  do {
    auto const end = std::min(held.size(), from + renewed_at_once);
    std::vector<std::string> names;
    for (; from < end; ++from) names.push_back(claim_name{session_, held[from].first, queue(held[from].second)}.text());
    auto const until = deadline::in(std::min<std::chrono::milliseconds>(pace_ / 6, 5s));
    auto const said = client_->eval(all_scripts().renew, {on_->key.unacked_index}, {names.begin(), names.end()},
                                    rd::repeat::yes, until);
    if (!said) return fail(said.error());
    std::vector<std::uint64_t> gone;
    for (auto const& name : said->items)
      if (auto const claim = claim_name::read(name.text)) gone.push_back(claim->tag);
    lost += ledger_.missing(gone);
  } while (from < held.size());
  renewed_ = clock::now();
  if (lost > 0)
    log::warning("the leases of " + std::to_string(lost) +
                 " tasks ran out: this worker was stopped or cut off. Others run them too");
  if (!marks_.empty()) marks_ = "?";  // written anew, so that they live on
  (void)write_marks(clock::now() - settles_soon);
  return {};
}

bool keeper::write_marks(clock::time_point since) {
  std::string marks;
  for (auto const tag : ledger_.running(since)) marks += (marks.empty() ? "" : " ") + std::to_string(tag);
  if (marks == marks_) return true;
  rd::commands c;
  auto const key = marks_key(*on_, session_);
  if (marks.empty()) {
    c.add({"DEL", key});
  } else {
    c.add({"SET", key, marks, "EX", std::to_string(marks_kept)});
  }
  auto const said = client_->run(c, rd::repeat::yes, deadline::in(1s));
  if (!said || said->front().is_error()) return false;
  marks_ = std::move(marks);
  return true;
}

expected<void> keeper::reap_now_and_then() {
  auto const now = clock::now();
  if (now - sound_since_ < lease_ / 2) return {};
  auto const until = deadline::in(lease_ / 6);
  auto given = reap(*on_, *client_, until);
  if (given &&
      now - restored_ >= std::min<std::chrono::milliseconds>(restore_interval, on_->names.with().visibility_timeout)) {
    restored_ = now;
    given = restore_pythons(*on_, *client_, until);
  }
  if (!given) return fail(given.error());
  return {};
}

}  // namespace lovage::broker::redis_broker
