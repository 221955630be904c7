#include "broker/redis/element.hpp"
#include "broker/redis/ledger.hpp"
#include "broker/redis/lost.hpp"
#include "broker/redis/parts.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace lovage::broker::redis_broker {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;
constexpr std::size_t moved_at_once = 500, keys_looked_at = 100'000;

class redis_inspector final : public inspector {
 public:
  explicit redis_inspector(std::shared_ptr<shared> on) : on_{std::move(on)}, client_{on_->client->clone()} {}

  expected<std::vector<queue_info>> queues() override;
  expected<std::uint64_t> purge(queue_name const& queue) override;
  expected<std::vector<dead_message>> dead(queue_name const& queue, std::size_t max) override;
  expected<std::optional<dead_message>> dead_one(std::uint64_t id) override;
  expected<std::uint64_t> redrive(queue_name const& queue, std::span<std::uint64_t const> ids) override {
    return take_dead(queue, ids, true);
  }
  expected<std::uint64_t> purge_dead(queue_name const& queue, std::span<std::uint64_t const> ids) override {
    return take_dead(queue, ids, false);
  }
  expected<void> revoke(std::span<revocation const> what) override;
  expected<void> pause(queue_name const& queue) override;
  expected<void> resume(queue_name const& queue) override;
  expected<std::vector<queue_name>> paused() override;

 private:
  using counts = std::map<std::string, queue_info>;
  [[nodiscard]] expected<std::vector<rd::reply>> ask(rd::commands const& c) {
    auto said = client_->run(c, rd::repeat::yes, deadline::in(patience));
    if (!said) return said;
    for (auto const& r : *said)
      if (r.is_error()) return fail(rd::to_error(r));
    return said;
  }
  [[nodiscard]] expected<std::set<std::string>> names();
  /// Calls `each` with the pieces of a SCAN-like command until it ends or `most` were seen.
  template <class F>
  [[nodiscard]] expected<void> scan(std::vector<std::string_view> const& words, std::size_t place, std::size_t most,
                                    F&& each);
  [[nodiscard]] expected<void> count_ready(std::set<std::string> const& of, counts& into);
  [[nodiscard]] expected<void> count_kept(counts& into);
  [[nodiscard]] expected<void> count_claimed(counts& into);
  [[nodiscard]] expected<std::uint64_t> purge_delayed(std::string const& queue);
  /// Calls `each` with the records of the dead set, oldest first, until it says false.
  template <class F>
  [[nodiscard]] expected<void> each_dead(F&& each);
  [[nodiscard]] expected<std::vector<dead_record>> records(std::vector<std::string> const& ids,
                                                           std::vector<rd::reply>& texts);
  [[nodiscard]] expected<std::uint64_t> take_dead(queue_name const& queue, std::span<std::uint64_t const> ids,
                                                  bool revive);

  std::shared_ptr<shared> on_;
  std::unique_ptr<rd::client> client_;
};

queue_info& entry(std::map<std::string, queue_info>& of, std::string const& queue) {
  auto& q = of[queue];
  if (q.name.empty()) q.name = queue_name{queue};
  return q;
}

template <class F>
expected<void> redis_inspector::scan(std::vector<std::string_view> const& words, std::size_t place, std::size_t most,
                                     F&& each) {
  std::string cursor = "0";
  std::size_t seen = 0;
  do {
    auto now = words;
    now.insert(now.begin() + static_cast<std::ptrdiff_t>(place), cursor);
    rd::commands c;
    c.add(now);
    auto said = ask(c);
    if (!said) return fail(said.error());
    auto& items = said->front().items;
    if (items.size() != 2) return fail(errc::internal, "Redis answers a scan in an unknown way");
    each(items[1].items);
    seen += moved_at_once;
    cursor = items[0].text;
  } while (cursor != "0" && seen < most);
  return {};
}

// Those of the settings, those that lovage was asked for, and those whose bindings Python left. Looking for these means
// looking at all keys, of which a result backend may have millions: so there is an end to it.
expected<std::set<std::string>> redis_inspector::names() {
  std::set<std::string> out;
  for (auto const& q : on_->with.queues.queues)
    if (!q.broadcast && q.exchange_type != "fanout") out.insert(q.name.str());
  rd::commands c;
  c.add({"SMEMBERS", on_->key.queues});
  auto const known = ask(c);
  if (!known) return fail(known.error());
  for (auto const& q : known->front().items) out.insert(q.text);
  std::vector<std::string> sets;
  auto const pattern = on_->names.bindings("*"), count = std::to_string(moved_at_once);
  auto const done = scan({"SCAN", "MATCH", pattern, "COUNT", count}, 1, keys_looked_at, [&](auto const& found) {
    for (auto const& key : found) sets.push_back(key.text);
  });
  if (!done) return fail(done.error());
  auto const start = on_->names.bindings("").size();
  std::erase_if(sets, [&](auto const& key) {
    auto const exchange = key.substr(start);
    return on_->is_channel(exchange) || is_for_replies(exchange);
  });
  rd::commands members;
  for (auto const& key : sets) members.add({"SMEMBERS", key});
  auto const bound = ask(members);
  if (!bound) return fail(bound.error());
  for (auto const& set : *bound)
    for (auto const& m : set.items)
      if (auto const b = on_->names.read_binding(m.text); !b.queue.empty()) out.insert(b.queue);
  return out;
}

expected<void> redis_inspector::count_ready(std::set<std::string> const& of, counts& into) {
  rd::commands c;
  std::vector<std::string> owners;
  for (auto const& q : of) {
    entry(into, q);
    for (auto const step : on_->names.served()) c.add({"LLEN", on_->names.list(q, step)}), owners.push_back(q);
  }
  auto const said = ask(c);
  if (!said) return fail(said.error());
  for (std::size_t i = 0; i < owners.size(); ++i)
    entry(into, owners[i]).ready += static_cast<std::uint64_t>((*said)[i].integer);
  return {};
}

expected<void> redis_inspector::count_kept(counts& into) {
  static constexpr std::string_view delayed = "delayed:", dead = "dead:";
  rd::commands c;
  c.add({"HGETALL", on_->key.counts});
  auto const said = ask(c);
  if (!said) return fail(said.error());
  auto const& items = said->front().items;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    std::int64_t n = 0;
    auto const& text = items[i + 1].text;
    std::from_chars(text.data(), text.data() + text.size(), n);
    if (n <= 0) continue;
    std::string_view const field = items[i].text;
    if (field.starts_with(delayed))
      entry(into, std::string{field.substr(delayed.size())}).delayed = static_cast<std::uint64_t>(n);
    if (field.starts_with(dead))
      entry(into, std::string{field.substr(dead.size())}).dead = static_cast<std::uint64_t>(n);
  }
  return {};
}

// The names of lovage's claims tell the queue; for Python's the entry must be read.
expected<void> redis_inspector::count_claimed(counts& into) {
  std::vector<std::string> theirs;
  auto const count = std::to_string(moved_at_once);
  auto done = scan({"ZSCAN", on_->key.unacked_index, "COUNT", count}, 2, 10 * keys_looked_at, [&](auto const& found) {
    for (std::size_t i = 0; i < found.size(); i += 2) {
      if (auto const claim = claim_name::read(found[i].text)) {
        ++entry(into, claim->queue).claimed;
      } else if (theirs.size() < 20 * moved_at_once) {
        theirs.push_back(found[i].text);
      }
    }
  });
  if (!done) return done;
  for (std::size_t from = 0; from < theirs.size(); from += moved_at_once) {
    std::vector<std::string> const some(
        theirs.begin() + static_cast<std::ptrdiff_t>(from),
        theirs.begin() + static_cast<std::ptrdiff_t>(std::min(theirs.size(), from + moved_at_once)));
    auto const values = values_of(*on_, *client_, some, deadline::in(patience));
    if (!values) return fail(values.error());
    for (auto const& v : *values)
      if (auto const read = read_unacked(v.text); v.is_text() && read && read->exchange.empty())
        ++entry(into, read->routing_key).claimed;
  }
  return {};
}

expected<std::vector<queue_info>> redis_inspector::queues() {
  auto const all = names();
  if (!all) return fail(all.error());
  counts of;
  for (auto done : {count_ready(*all, of), count_kept(of), count_claimed(of)})
    if (!done) return fail(done.error());
  std::vector<queue_info> out;
  for (auto& [name, q] : of) out.push_back(std::move(q));
  return out;
}

expected<std::uint64_t> redis_inspector::purge(queue_name const& queue) {
  std::vector<std::string> lists;
  for (auto const step : on_->names.served()) lists.push_back(on_->names.list(queue.str(), step));
  auto const removed =
      client_->eval(all_scripts().purge, {lists.begin(), lists.end()}, {}, rd::repeat::yes, deadline::in(patience));
  if (!removed) return fail(removed.error());
  auto const delayed = purge_delayed(queue.str());
  if (!delayed) return delayed;
  return static_cast<std::uint64_t>(removed->integer) + *delayed;
}

expected<std::uint64_t> redis_inspector::purge_delayed(std::string const& queue) {
  std::vector<std::string> members;
  auto const count = std::to_string(moved_at_once);
  auto const done = scan({"ZSCAN", on_->key.delayed, "COUNT", count}, 2, SIZE_MAX, [&](auto& found) {
    for (std::size_t i = 0; i < found.size(); i += 2)
      if (queue_of_delayed(found[i].text) == queue) members.push_back(std::move(found[i].text));
  });
  if (!done) return fail(done.error());
  std::uint64_t removed = 0;
  for (std::size_t from = 0; from < members.size(); from += moved_at_once) {
    std::vector<std::string_view> words{queue};
    for (auto i = from; i < std::min(members.size(), from + moved_at_once); ++i) words.push_back(members[i]);
    auto const said = client_->eval(all_scripts().purge_delayed, {on_->key.delayed, on_->key.counts}, words,
                                    rd::repeat::yes, deadline::in(patience));
    if (!said) return fail(said.error());
    removed += static_cast<std::uint64_t>(said->integer);
  }
  return removed;
}

template <class F>
expected<void> redis_inspector::each_dead(F&& each) {
  for (std::size_t from = 0;; from += moved_at_once) {
    rd::commands c;
    c.add({"ZRANGE", on_->key.dead_index, std::to_string(from), std::to_string(from + moved_at_once - 1)});
    auto const said = ask(c);
    if (!said) return fail(said.error());
    std::vector<std::string> ids;
    for (auto const& id : said->front().items) ids.push_back(id.text);
    if (ids.empty()) return {};
    std::vector<rd::reply> texts;
    auto read = records(ids, texts);
    if (!read) return fail(read.error());
    for (auto& r : *read)
      if (!each(r)) return {};
  }
}

expected<std::vector<dead_record>> redis_inspector::records(std::vector<std::string> const& ids,
                                                            std::vector<rd::reply>& texts) {
  std::vector<dead_record> out;
  if (ids.empty()) return out;
  rd::commands c;
  c.begin(2 + ids.size());
  c.word("HMGET"), c.word(on_->key.dead);
  for (auto const& id : ids) c.word(id);
  auto said = ask(c);
  if (!said) return fail(said.error());
  texts = std::move(said->front().items);
  for (std::size_t i = 0; i < texts.size() && i < ids.size(); ++i) {
    if (texts[i].is_nil()) continue;
    std::uint64_t id = 0;
    std::from_chars(ids[i].data(), ids[i].data() + ids[i].size(), id);
    auto read = read_dead(id, texts[i].text);
    if (!read) return fail(read.error());
    out.push_back(*std::move(read));
  }
  return out;
}

expected<std::vector<dead_message>> redis_inspector::dead(queue_name const& queue, std::size_t max) {
  std::vector<dead_message> out;
  if (max == 0) return out;
  auto const done = each_dead([&](dead_record& r) {
    if (queue.empty() || r.message.queue == queue) out.push_back(std::move(r.message));
    return out.size() < max;
  });
  if (!done) return fail(done.error());
  return out;
}

expected<std::optional<dead_message>> redis_inspector::dead_one(std::uint64_t id) {
  std::vector<rd::reply> texts;
  auto read = records({std::to_string(id)}, texts);
  if (!read) return fail(read.error());
  if (read->empty()) return std::optional<dead_message>{};
  return std::optional{std::move(read->front().message)};
}

// Asked for by id first, so that what is moved meanwhile does not shift the pages.
expected<std::uint64_t> redis_inspector::take_dead(queue_name const& queue, std::span<std::uint64_t const> ids,
                                                   bool revive) {
  std::vector<std::string> wanted;
  for (auto const id : ids) wanted.push_back(std::to_string(id));
  if (ids.empty()) {
    auto const done = each_dead([&](dead_record const& r) {
      if (queue.empty() || r.message.queue == queue) wanted.push_back(std::to_string(r.message.id));
      return true;
    });
    if (!done) return fail(done.error());
  }
  std::uint64_t total = 0;
  for (std::size_t from = 0; from < wanted.size(); from += moved_at_once) {
    std::vector<std::string> const some(
        wanted.begin() + static_cast<std::ptrdiff_t>(from),
        wanted.begin() + static_cast<std::ptrdiff_t>(std::min(wanted.size(), from + moved_at_once)));
    std::vector<rd::reply> texts;
    auto const read = records(some, texts);
    if (!read) return fail(read.error());
    std::vector<std::string> words;
    for (auto const& r : *read) {
      auto const& name = r.message.queue.str();
      words.push_back(std::to_string(r.message.id));
      words.push_back(name);
      words.push_back(revive ? on_->names.list(name, r.priority) : std::string{});
      words.push_back(revive ? revived(r.text) : std::string{});
    }
    auto const said = client_->eval(all_scripts().take_dead, {on_->key.counts, on_->key.dead, on_->key.dead_index},
                                    {words.begin(), words.end()}, rd::repeat::yes, deadline::in(patience));
    if (!said) return fail(said.error());
    total += static_cast<std::uint64_t>(said->integer);
  }
  return total;
}

expected<void> redis_inspector::revoke(std::span<revocation const> what) {
  auto const now = on_->with.now();
  auto last = now;
  std::vector<std::string> words;
  for (auto const& r : what) last = std::max(last, r.until), words.push_back(write_revocation(r));
  auto const left = std::to_string(std::chrono::ceil<std::chrono::seconds>(last - now).count() + 1);
  auto const kept = std::to_string(revocations_kept), at = std::to_string(now.time_since_epoch().count());
  for (std::size_t from = 0; from < words.size(); from += moved_at_once) {
    std::vector<std::string_view> arguments{left, kept, at};
    auto const end = std::min(words.size(), from + moved_at_once);
    arguments.insert(arguments.end(), words.begin() + static_cast<std::ptrdiff_t>(from),
                     words.begin() + static_cast<std::ptrdiff_t>(end));
    auto const said =
        client_->eval(all_scripts().revoke, {on_->key.revoked}, arguments, rd::repeat::yes, deadline::in(patience));
    if (!said) return fail(said.error());
  }
  return {};
}

expected<void> redis_inspector::pause(queue_name const& queue) {
  auto const said = client_->eval(all_scripts().add_member, {on_->key.paused}, {queue.str(), ""}, rd::repeat::yes,
                                  deadline::in(patience));
  return said ? expected<void>{} : fail(said.error());
}

expected<void> redis_inspector::resume(queue_name const& queue) {
  rd::commands c;
  c.add({"SREM", on_->key.paused, queue.str()});
  auto const said = ask(c);
  return said ? expected<void>{} : fail(said.error());
}

expected<std::vector<queue_name>> redis_inspector::paused() {
  rd::commands c;
  c.add({"SMEMBERS", on_->key.paused});
  auto const said = ask(c);
  if (!said) return fail(said.error());
  std::vector<queue_name> out;
  for (auto const& q : said->front().items) out.emplace_back(q.text);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::unique_ptr<inspector> make_inspector(std::shared_ptr<shared> on) {
  return std::make_unique<redis_inspector>(std::move(on));
}

}  // namespace lovage::broker::redis_broker
