// The part of the consumer that ends what was claimed. Every step may be repeated: what is done already is passed over.
#include "broker/redis/reaper.hpp"
#include "broker/redis/redis_consumer.hpp"
#include "core/log.hpp"

#include <algorithm>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds settle_grace{200}, close_patience{5'000};
constexpr std::size_t settled_at_once = 200;

}  // namespace

expected<rd::reply> redis_consumer::eval(rd::script const& what, std::vector<std::string_view> const& keys,
                                         std::vector<std::string_view> const& arguments, deadline until) {
  for (bool const whole : {false, true}) {
    rd::commands c;
    c.begin(3 + keys.size() + arguments.size());
    c.word(whole ? "EVAL" : "EVALSHA");
    c.word(whole ? what.text() : what.hash());
    c.word(std::to_string(keys.size()));
    for (auto const k : keys) c.word(k);
    for (auto const a : arguments) c.word(a);
    auto said = feed_.run(c, until);
    if (!said) return fail(said.error());
    auto& r = said->front();
    if (r.is_error() && r.text.starts_with("NOSCRIPT") && !whole) continue;
    if (!r.is_error()) return std::move(r);
    auto why = rd::to_error(r);
    if (why.code == errc::unavailable) feed_.lose(why);
    return fail(std::move(why));
  }
  return fail(errc::internal, "Redis forgets scripts while they are sent");
}

expected<void> redis_consumer::settle(std::span<settlement const> what, deadline until) {
  if (what.empty()) return {};
  std::lock_guard const lock{mutex_};
  auto const grace = deadline::in(settle_grace);
  auto const patience = until.when() < grace.when() ? grace : until;
  while (!closed_) {
    auto done = feed_.ensure(patience, closing_ ? interrupted_.fd() : -1);
    if (done) done = settle_once(what, patience);
    if (done || feed_.up() || patience.passed() || done.error().code == errc::bad_config) return done;
  }
  return fail(errc::closed, "the consumer was closed", options_.session_name);
}

expected<void> redis_consumer::settle_once(std::span<settlement const> what, deadline until) {
  std::vector<std::string> names;
  std::vector<std::uint64_t> tags;
  std::vector<std::pair<settlement, held>> others;
  for (auto const& s : what) {
    auto const h = ledger_.find(s.tag);
    if (!h) continue;
    if (h->fanout) {
      if (auto done = settle_message(s, *h, until); !done) return done;
    } else if (s.how == disposition::done) {
      names.push_back(name(s.tag, h->queue));
      tags.push_back(s.tag);
    } else {
      others.emplace_back(s, *h);
    }
  }
  if (auto done = acknowledge(names, until); !done) return done;
  for (auto const tag : tags) ledger_.erase(tag);
  if (others.empty()) return {};
  auto const moved = moves_for(others, until);
  if (!moved) return fail(moved.error());
  auto const done = eval(all_scripts().settle, on_->key.of_settle(), moved->arguments(), until);
  if (!done) return fail(done.error());
  for (auto const& [s, h] : others) ledger_.erase(s.tag);
  return {};
}

// Whoever dies between the two leaves a name in the index that stands for nothing, which whoever reaps removes.
expected<void> redis_consumer::acknowledge(std::vector<std::string> const& names, deadline until) {
  if (names.empty()) return {};
  rd::commands c;
  for (auto const& [command, key] : {std::pair{"HDEL", &on_->key.unacked}, {"ZREM", &on_->key.unacked_index}}) {
    c.begin(2 + names.size());
    c.word(command), c.word(*key);
    for (auto const& n : names) c.word(n);
  }
  auto const said = feed_.run(c, until);
  if (!said) return fail(said.error());
  auto const wrong = std::find_if(said->begin(), said->end(), [](auto const& r) { return r.is_error(); });
  if (wrong == said->end()) return {};
  auto why = rd::to_error(*wrong);
  if (why.code == errc::unavailable) feed_.lose(why);
  return fail(std::move(why));
}

// From the youngest to the oldest: each goes to the front, and the oldest shall be served next.
expected<moves> redis_consumer::moves_for(std::vector<std::pair<settlement, held>> const& what, deadline until) {
  auto sorted = what;
  std::sort(sorted.begin(), sorted.end(), [](auto const& a, auto const& b) { return a.first.tag > b.first.tag; });
  moves out;
  for (std::size_t from = 0; from < sorted.size(); from += settled_at_once) {
    auto const count = std::min(settled_at_once, sorted.size() - from);
    rd::commands c;
    c.begin(2 + count);
    c.word("HMGET"), c.word(on_->key.unacked);
    for (std::size_t i = from; i < from + count; ++i) c.word(name(sorted[i].first.tag, sorted[i].second.queue));
    auto const said = feed_.run(c, until);
    if (!said) return fail(said.error());
    if (said->front().is_error()) return fail(rd::to_error(said->front()));
    for (std::size_t i = 0; i < count && i < said->front().items.size(); ++i)
      add_move(sorted[from + i].first, sorted[from + i].second, said->front().items[i], out);
  }
  return out;
}

void redis_consumer::add_move(settlement const& s, held const& h, rd::reply const& value, moves& to) const {
  if (value.is_nil()) return;  // its lease was lost
  auto const& q = queue(h.queue);
  if (s.how == disposition::bury)
    return to.bury(name(s.tag, h.queue), dead_head(q, h.priority, s.reason, on_->with.now(), h.attempts), q,
                   unacked_tail(q));
  auto const attempts = h.attempts + (s.how == disposition::requeue ? 1 : 0);
  to.give_back(name(s.tag, h.queue), given_back(envelope_in(value.text, q), attempts),
               {on_->names.list(q, h.priority)});
}

// What came over a channel is given back to ourselves alone: nobody else can be given it.
expected<void> redis_consumer::settle_message(settlement const& s, held const& h, deadline until) {
  if (s.how == disposition::bury) {
    auto const record = dead_head(queue(h.queue), h.priority, s.reason, on_->with.now(), h.attempts) + *h.fanout;
    auto const done =
        eval(all_scripts().bury_element, {on_->key.counts, on_->key.dead, on_->key.dead_index, on_->key.dead_number},
             {record, queue(h.queue)}, until);
    if (!done) return fail(done.error());
  } else if (s.how != disposition::done) {
    auto read = read_element(*h.fanout);
    auto again = h;
    again.started = {};
    if (s.how == disposition::requeue) ++again.attempts;
    auto const tag = next_tag_++;
    if (read) {
      ledger_.add(tag, again);
      ready_.push_front({tag, queues_[h.queue].name, std::move(read->envelope), h.priority, again.attempts, true});
    }
  }
  ledger_.erase(s.tag);
  return {};
}

expected<void> redis_consumer::give_back_everything(deadline until) {
  auto done = feed_.ensure(until, -1);
  if (!done) return done;
  if (pending_ && feed_.asked()) done = hear(until);
  if (!done) return done;
  std::vector<std::pair<settlement, held>> all;
  for (auto const tag : ledger_.tags())
    if (auto h = ledger_.find(tag); h && !h->fanout) all.emplace_back(settlement{tag, disposition::release, {}}, *h);
  std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.first.tag > b.first.tag; });
  for (std::size_t from = 0; from < all.size(); from += settled_at_once) {
    auto const end = std::min(all.size(), from + settled_at_once);
    auto const some = moves_for(
        {all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(end)}, until);
    if (!some) return fail(some.error());
    if (auto const moved = eval(all_scripts().settle, on_->key.of_settle(), some->arguments(), until); !moved)
      return fail(moved.error());
  }
  rd::commands c;
  c.add({"DEL", marks_key(*on_, session_)});
  if (auto const said = feed_.run(c, until); !said) return fail(said.error());
  return {};
}

void redis_consumer::close() {
  closing_ = true;
  interrupted_.raise();
  std::lock_guard const lock{mutex_};
  if (std::exchange(closed_, true)) return;
  if (keeper_) keeper_->stop();
  auto const done = keeper_ ? give_back_everything(deadline::in(close_patience)) : expected<void>{};
  // Not given back now: other workers do when the lease has run out.
  if (!done) log::warning("cannot give back messages: " + done.error().text());
}

}  // namespace lovage::broker::redis_broker
