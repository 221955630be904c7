#include "broker/redis/redis_consumer.hpp"

#include "broker/redis/reaper.hpp"
#include "core/ids.hpp"
#include "core/log.hpp"

#include <algorithm>
#include <charconv>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;

// A look takes this long however near its deadline is: that is work, not waiting.
constexpr auto look_grace = 1s;
constexpr auto poll_interval = 50ms;            // where the server cannot tell that something came
constexpr std::size_t largest_claim = 8 << 20;  // bytes; one more message may be beyond

/// A score of the delayed set.
time_point time_of(std::string_view score) {
  double us = 0;
  std::from_chars(score.data(), score.data() + score.size(), us);
  return time_point{std::chrono::microseconds{static_cast<std::int64_t>(us)}};
}

std::vector<queue_spec> in_order(std::vector<queue_spec> queues, options const& how) {
  if (how.queue_order == options::order::sorted)
    std::stable_sort(queues.begin(), queues.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
  return queues;
}

}  // namespace

redis_consumer::redis_consumer(std::shared_ptr<shared> on, consumer_options with, std::vector<queue_spec> queues)
    : on_{std::move(on)},
      options_{std::move(with)},
      session_{random_uuid().str().substr(0, 8) + random_uuid().str().substr(0, 8)},
      feed_{*on_->client} {
  for (auto& q : in_order(std::move(queues), on_->names.with())) {
    auto const& all = options_.queues;
    auto const at = static_cast<std::size_t>(std::find(all.begin(), all.end(), q.name) - all.begin());
    know(std::move(q), options_.weight(at));
  }
  feed_.wish(wishes());
}

std::string redis_consumer::name(std::uint64_t tag, std::size_t place) const {
  return claim_name{session_, tag, queue(place)}.text();
}

expected<void> redis_consumer::open(deadline until) {
  if (auto done = feed_.ensure(until, interrupted_.fd()); !done) return done;
  std::vector<std::string> names;
  for (auto const& q : queues_) names.push_back(q.name.str());
  keeper_ = std::make_unique<keeper>(on_, session_, std::move(names), ledger_);
  return {};
}

expected<std::vector<delivery>> redis_consumer::claim(std::size_t max, deadline until) {
  std::lock_guard const lock{mutex_};
  auto const grace = deadline::in(look_grace);
  auto const patience = until.when() < grace.when() ? grace : until;
  while (!closed_ && !closing_) {
    if (max == 0) return deliveries{};
    bool const stop = interrupted_.take();
    auto got = look(max, stop ? deadline::now() : patience);
    if (got && (!got->empty() || stop || !revoked_.empty() || until.passed())) return got;
    if (stop) return deliveries{};
    if (got) {
      (void)rest(until);  // a connection lost meanwhile is made again by the next look
    } else if (feed_.up() || until.passed() || got.error().code == errc::bad_config) {
      return got;
    }
  }
  return fail(errc::closed, "the consumer was closed", options_.session_name);
}

expected<std::vector<delivery>> redis_consumer::look(std::size_t max, deadline until) {
  accept_messages();
  if (!ready_.empty()) return hand_out(max);
  if (auto done = feed_.ensure(until, interrupted_.fd()); !done) return fail(done.error());
  if (pending_ && !feed_.asked()) unknown_.push_back(*std::exchange(pending_, std::nullopt));
  if (auto done = recover(until); !done) return fail(done.error());
  if (auto done = do_chores(until); !done) return fail(done.error());
  while (ready_.empty()) {
    auto const before = next_tag_;
    if (!pending_) {
      request r{next_tag_, max, std::exchange(want_watch_, false), false, listed()};
      if (auto sent = ask(std::move(r), until); !sent) return fail(sent.error());
    }
    if (auto heard = hear(until); !heard) return fail(heard.error());
    bool const only_chores = next_tag_ != before && ready_.empty();
    if (auto done = do_chores(until); !done) return fail(done.error());
    if (!only_chores) break;
  }
  return hand_out(max);
}

std::vector<delivery> redis_consumer::hand_out(std::size_t max) {
  deliveries out;
  for (claim_room room{max, allowed_}; room.left() && !ready_.empty();) {
    room.took(ready_.front());
    out.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  return out;
}

std::vector<std::string> redis_consumer::claim_words(request const& r) {
  auto const how = on_->names.with().queue_order;
  char const* order = how == options::order::round_robin ? "0" : "1";
  if (options_.order != queue_order::fair) order = options_.order == queue_order::strict ? "2" : "3";
  std::vector<std::string> out{std::to_string(r.max),
                               std::to_string(std::clamp<std::size_t>(allowed_, 1, largest_claim)),
                               claim_name::start(session_),
                               std::to_string(r.first),
                               std::to_string(on_->with.now().time_since_epoch().count()),
                               std::to_string(r.places.size()),
                               std::to_string(first_queue(r.places)),
                               order,
                               revoked_number_};
  for (auto const i : r.places) {
    out.push_back(unacked_tail(queue(i)));
    out.push_back(claim_name::ending(queue(i)));
    out.push_back(std::to_string(set_.picker().weight(i)));
  }
  return out;
}

// Which of these is first in turn: a claim of one message takes from no other while that has some.
std::size_t redis_consumer::first_queue(std::vector<std::size_t> const& of) {
  if (of.empty() || options_.order == queue_order::strict) return 0;
  if (options_.order == queue_order::fair)
    return on_->names.with().queue_order == options::order::round_robin ? turn_++ % of.size() : 0;
  std::vector<queue_picker::candidate> all;
  for (auto const i : of) all.push_back({i, 0});
  return set_.picker().pick(all);
}

expected<void> redis_consumer::ask(request r, deadline until) {
  auto const& script = all_scripts().claim;
  auto const words = claim_words(r);
  std::vector<std::string> keys{on_->key.unacked, on_->key.unacked_index, on_->key.delayed,
                                on_->key.counts,  on_->key.paused,        on_->key.revoked};
  for (auto const step : on_->names.served())
    for (auto const i : r.places) keys.push_back(on_->names.list(queue(i), step));
  rd::commands c;
  if (r.watches) feed_.watch(c);
  c.begin(3 + keys.size() + words.size());
  c.word(r.whole ? "EVAL" : "EVALSHA");
  c.word(r.whole ? script.text() : script.hash());
  c.word(std::to_string(keys.size()));
  for (auto const& k : keys) c.word(k);
  for (auto const& w : words) c.word(w);
  pending_ = std::move(r);  // also when sending fails: a part of it may have been done
  return feed_.ask(c, until);
}

expected<void> redis_consumer::hear(deadline until) {
  auto said = feed_.answers(until, interrupted_.fd());
  if (!said) return fail(said.error());
  if (!*said) return {};
  auto const asked = *std::exchange(pending_, std::nullopt);
  return digest(asked, **std::move(said), until);
}

expected<void> redis_consumer::digest(request const& asked, replies&& said, deadline until) {
  if (asked.watches) feed_.watched(said[0], said[1]);
  auto& r = said.back();
  if (r.is_error() && r.text.starts_with("NOSCRIPT") && !asked.whole) {
    auto again = asked;
    again.whole = true;
    if (auto sent = ask(std::move(again), until); !sent) return sent;
    return hear(until);
  }
  if (r.is_error()) {
    auto why = rd::to_error(r);
    if (why.code == errc::unavailable) feed_.lose(why);  // a replica now, or not ready: elsewhere, or later
    return fail(std::move(why));
  }
  next_due_.reset();
  if (!r.items.empty() && r.items[0].is_text()) next_due_ = time_of(r.items[0].text);
  if (r.items.size() > 1) note_revoked(r.items[1]);
  auto const& steps = on_->names.served();
  for (std::size_t i = 2; i < r.items.size(); ++i) {
    auto const& piece = r.items[i].items;
    auto const place = asked.places[static_cast<std::size_t>(piece[0].integer) - 1];
    auto const step = steps[static_cast<std::size_t>(piece[1].integer) - 1];
    for (std::size_t k = 2; k < piece.size(); ++k) accept(next_tag_++, place, step, piece[k].text);
  }
  return {};
}

void redis_consumer::accept(std::uint64_t tag, std::size_t place, int step, std::string_view text) {
  auto read = read_element(text);
  auto const priority = read ? std::clamp(read->envelope.properties.priority.value_or(step), 0, 9) : step;
  ledger_.add(tag, {place, priority, read ? read->attempts : 0, std::nullopt, {}, false});
  if (!read) {
    log::error("a message in queue " + queue(place) + " cannot be read: " + read.error().text() +
               "; it is in the dead set");
    chores_.bury(name(tag, place), dead_head(queue(place), priority, read.error().text(), on_->with.now(), 0),
                 queue(place), unacked_tail(queue(place)));
    return chore_tags_.push_back(tag);
  }
  if (read->due && *read->due > on_->with.now()) {
    auto const member = delayed_head(name(tag, place), queue(place), on_->names.list(queue(place), priority));
    chores_.delay(name(tag, place), *read->due, queue(place), member, unacked_tail(queue(place)));
    return chore_tags_.push_back(tag);
  }
  ready_.push_back({tag, queues_[place].name, std::move(read->envelope), priority, read->attempts, read->redelivered,
                    std::move(read->exchange), std::move(read->routing_key)});
}

// Nobody else has these: what becomes of one that was claimed is decided here.
void redis_consumer::accept_messages() {
  auto const came = feed_.take_messages();
  for (auto const& m : came) {
    auto const at = patterns_.find(m.subscribed);
    if (at == patterns_.end()) continue;
    for (auto const place : at->second) {
      auto read = read_element(m.text);
      if (!read) {
        log::error("a message broadcast to " + queue(place) + " cannot be read: " + read.error().text());
        continue;
      }
      auto const tag = next_tag_++;
      auto const priority = std::clamp(read->envelope.properties.priority.value_or(0), 0, 9);
      ledger_.add(tag, {place, priority, 0, m.text, {}, false});
      ready_.push_back({tag, queues_[place].name, std::move(read->envelope), priority, 0, read->redelivered,
                        std::move(read->exchange), std::move(read->routing_key)});
    }
  }
}

expected<void> redis_consumer::recover(deadline until) {
  while (!unknown_.empty()) {
    auto const lost = unknown_.back();
    next_tag_ = std::max(next_tag_, lost.first + lost.max);  // never again: the server may do it yet
    if (auto done = recover(lost, until); !done) return done;
    unknown_.pop_back();
  }
  return {};
}

// Whether it was done is seen from what stands in `unacked`.
expected<void> redis_consumer::recover(request const& lost, deadline until) {
  constexpr std::size_t at_once = 500;
  for (auto const place : lost.places) {
    for (std::size_t from = 0; from < lost.max; from += at_once) {
      rd::commands c;
      auto const count = std::min(at_once, lost.max - from);
      c.begin(2 + count);
      c.word("HMGET"), c.word(on_->key.unacked);
      for (std::size_t i = 0; i < count; ++i) c.word(name(lost.first + from + i, place));
      auto const said = feed_.run(c, until);
      if (!said) return fail(said.error());
      if (said->front().is_error()) return fail(rd::to_error(said->front()));
      auto const& values = said->front().items;
      for (std::size_t i = 0; i < values.size(); ++i) {
        auto const tag = lost.first + from + i;
        if (values[i].is_text() && !ledger_.find(tag)) accept(tag, place, 0, envelope_in(values[i].text, queue(place)));
      }
    }
  }
  return {};
}

expected<void> redis_consumer::do_chores(deadline until) {
  if (chores_.empty()) return {};
  auto const done = eval(all_scripts().settle, on_->key.of_settle(), chores_.arguments(), until);
  if (!done) return fail(done.error());
  for (auto const tag : chore_tags_) ledger_.erase(tag);
  chore_tags_.clear();
  chores_ = moves{};
  return {};
}

expected<void> redis_consumer::rest(deadline until) {
  if (pending_) return {};
  if (!feed_.watching() && feed_.can_watch()) return want_watch_ = true, expected<void>{};
  auto end = until;
  if (next_due_) end = end.sooner(deadline::in(std::max(*next_due_ - on_->with.now(), std::chrono::microseconds{100})));
  if (!feed_.can_watch()) end = end.sooner(deadline::in(poll_interval));
  return feed_.wait(end, interrupted_.fd());
}

expected<std::unique_ptr<consumer>> make_consumer(std::shared_ptr<shared> on, consumer_options with, deadline until) {
  std::vector<queue_spec> queues;
  for (auto const& q : with.queues) {
    auto spec = on->with.queues.find(q);
    if (!spec) return fail(spec.error());
    queues.push_back(*std::move(spec));
  }
  auto made = std::make_unique<redis_consumer>(std::move(on), std::move(with), std::move(queues));
  if (auto done = made->open(until); !done) return fail(done.error());
  return std::unique_ptr<consumer>{std::move(made)};
}

}  // namespace lovage::broker::redis_broker
