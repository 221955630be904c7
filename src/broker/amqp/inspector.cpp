// Looking at queues, and the dead set: for each queue another, whose messages say in headers why they are there.
#include "broker/amqp/errands.hpp"
#include "broker/amqp/notices.hpp"
#include "broker/amqp/parts.hpp"

#include <algorithm>

namespace lovage::broker::amqp {
namespace {

using namespace std::chrono_literals;

constexpr auto time_limit = 10s;
constexpr auto long_limit = 120s;  ///< for what goes through a whole dead set
constexpr std::size_t round_size = 500;

std::int64_t number(value::map const& from, char const* key) {
  auto const* v = find(from, key);
  auto const* n = v ? v->get_if<std::int64_t>() : nullptr;
  return n ? *n : 0;
}

std::string text(value::map const& from, char const* key) {
  auto const* v = find(from, key);
  auto const* s = v ? v->get_if<std::string>() : nullptr;
  return s ? *s : std::string{};
}

dead_message dead_of(fetched&& f, queue_name const& queue) {
  dead_message out;
  auto& own = f.head.own;
  out.id = static_cast<std::uint64_t>(number(own, own::dead_id));
  out.queue = queue;
  out.envelope = std::move(f.head.envelope);
  out.envelope.body = std::move(f.body);
  out.envelope.properties.expiration = text(own, own::dead_expiration);
  out.reason = text(own, own::dead_reason);
  out.died_at = time_point{std::chrono::microseconds{number(own, own::died_at)}};
  out.attempts = f.head.attempts;
  return out;
}

bool wanted(std::span<std::uint64_t const> ids, std::uint64_t id) {
  return ids.empty() || std::find(ids.begin(), ids.end(), id) != ids.end();
}

class amqp_inspector final : public inspector {
 public:
  explicit amqp_inspector(std::shared_ptr<shared_parts> of) : of_{std::move(of)}, errands_{of_->with} {}

  expected<std::vector<queue_info>> queues() override;
  expected<std::uint64_t> purge(queue_name const& queue) override;
  expected<std::vector<dead_message>> dead(queue_name const& queue, std::size_t max) override;
  expected<std::optional<dead_message>> dead_one(std::uint64_t id) override;
  expected<std::uint64_t> redrive(queue_name const& queue, std::span<std::uint64_t const> ids) override;
  expected<std::uint64_t> purge_dead(queue_name const& queue, std::span<std::uint64_t const> ids) override;
  expected<void> revoke(std::span<revocation const> what) override;
  expected<void> pause(queue_name const& queue) override { return change_paused(queue, true); }
  expected<void> resume(queue_name const& queue) override { return change_paused(queue, false); }
  expected<std::vector<queue_name>> paused() override;

 private:
  /// What one visit to a dead set takes with it; shared with the session's thread.
  struct haul {
    std::uint64_t generation = 0;
    std::vector<std::uint64_t> tags;
    std::vector<dead_message> messages;
    bool more = false;
  };

  [[nodiscard]] std::vector<queue_name> names(queue_name const& only) const;
  [[nodiscard]] expected<std::shared_ptr<haul>> look(queue_name const& queue, std::size_t max, bool first,
                                                     deadline until);
  [[nodiscard]] expected<void> keep(haul const& from, std::vector<std::size_t> const& which, deadline until);
  [[nodiscard]] expected<void> leave(deadline until);
  template <class Act>
  [[nodiscard]] expected<std::uint64_t> each(queue_name const& queue, std::span<std::uint64_t const> ids, Act act);
  [[nodiscard]] expected<std::uint64_t> count(queue_name const& queue, bool clear);
  [[nodiscard]] expected<void> change_paused(queue_name const& queue, bool pause);
  [[nodiscard]] expected<std::vector<queue_name>> paused_within(std::chrono::milliseconds patience);

  std::shared_ptr<shared_parts> of_;
  errands errands_;
};

std::vector<queue_name> amqp_inspector::names(queue_name const& only) const {
  if (!only.empty()) return {only};
  auto all = of_->seen.all();
  for (auto const& q : of_->with.queues.queues) all.insert(q.name);
  return {all.begin(), all.end()};
}

expected<std::vector<queue_info>> amqp_inspector::queues() {
  auto const out = std::make_shared<std::vector<queue_info>>();
  auto const job = [out, all = names({})](errands& by) -> expected<void> {
    for (auto const& name : all) {
      queue_info info;
      info.name = name;
      auto const ready = by.declare().look_at(name);
      if (ready.code == reply::lost) return fail(fault_of(ready, name.str()));
      info.ready = ready.messages;
      auto const dead = by.declare().look_at(dead_name(name));
      if (dead.code == reply::lost) return fail(fault_of(dead, name.str()));
      info.dead = dead.messages;
      out->push_back(std::move(info));
    }
    return {};
  };
  if (auto done = errands_.run(job, time_limit); !done) return fail(done.error());
  return std::move(*out);
}

/// Messages of a queue, which may not exist; cleared on request.
expected<std::uint64_t> amqp_inspector::count(queue_name const& queue, bool clear) {
  auto const out = std::make_shared<std::uint64_t>(0);
  auto const job = [out, queue, clear](errands& by) -> expected<void> {
    auto const r = clear ? by.declare().purge(queue) : by.declare().look_at(queue);
    if (!r.ok() && r.code != AMQP_NOT_FOUND) return fail(fault_of(r, queue.str()));
    *out = r.messages;
    return {};
  };
  if (auto done = errands_.run(job, time_limit); !done) return fail(done.error());
  return *out;
}

expected<std::uint64_t> amqp_inspector::purge(queue_name const& queue) { return count(queue, true); }

/// Fetches; `first` gives back what earlier visits fetched.
expected<std::shared_ptr<amqp_inspector::haul>> amqp_inspector::look(queue_name const& queue, std::size_t max,
                                                                     bool first, deadline until) {
  auto const out = std::make_shared<haul>();
  auto const job = [out, queue, max, first](errands& by) -> expected<void> {
    auto const dead = dead_name(queue);
    auto const there = by.declare().look_at(dead);
    if (there.code == AMQP_NOT_FOUND) return {};  // its count is not asked: a quorum queue's lags behind
    if (!there.ok()) return fail(fault_of(there, dead.str()));
    if (first)
      if (auto ok = by.begin_fetching(); !ok) return ok;
    auto got = by.fetch(dead, max);
    if (!got) return fail(got.error());
    out->more = got->size() == max;
    out->generation = by.generation();
    for (auto& f : *got) {
      out->tags.push_back(f.tag);
      out->messages.push_back(dead_of(std::move(f), queue));
    }
    return {};
  };
  if (auto done = errands_.run(job, until); !done) return fail(done.error());
  return out;
}

/// Acknowledges those of a haul.
expected<void> amqp_inspector::keep(haul const& from, std::vector<std::size_t> const& which, deadline until) {
  std::vector<std::uint64_t> tags;
  for (auto const i : which) tags.push_back(from.tags[i]);
  auto const job = [tags = std::move(tags), generation = from.generation](errands& by) -> expected<void> {
    if (by.generation() != generation)
      return fail(errc::unavailable, "lost RabbitMQ half way; some messages may be in both places");
    for (auto const tag : tags) by.acknowledge(tag);
    return {};
  };
  return errands_.run(job, until);
}

expected<void> amqp_inspector::leave(deadline until) {
  return errands_.run([](errands& by) { return by.end_fetching(); }, until);
}

expected<std::vector<dead_message>> amqp_inspector::dead(queue_name const& queue, std::size_t max) {
  std::vector<dead_message> out;
  auto const until = deadline::in(long_limit);
  for (auto const& name : names(queue)) {
    auto got = look(name, max, true, until);
    if (!got) return fail(got.error());
    std::move((*got)->messages.begin(), (*got)->messages.end(), std::back_inserter(out));
    if (auto ok = leave(until); !ok) return fail(ok.error());
  }
  std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.died_at < b.died_at; });
  if (out.size() > max) out.resize(max);
  return out;
}

expected<std::optional<dead_message>> amqp_inspector::dead_one(std::uint64_t id) {
  std::optional<dead_message> out;
  auto const until = deadline::in(long_limit);
  for (auto const& name : names({})) {
    for (bool more = true, first = true; more && !out; first = false) {
      auto got = look(name, round_size, first, until);
      if (!got) return fail(got.error());
      more = (*got)->more;
      for (auto& m : (*got)->messages)
        if (m.id == id) out = std::move(m);
    }
    if (auto ok = leave(until); !ok) return fail(ok.error());
    if (out) break;
  }
  return out;
}

/// `act` gets the wanted ones of each round, in their order; they are gone when it succeeds.
template <class Act>
expected<std::uint64_t> amqp_inspector::each(queue_name const& queue, std::span<std::uint64_t const> ids, Act act) {
  std::uint64_t done = 0;
  auto const until = deadline::in(long_limit);
  for (auto const& name : names(queue)) {
    for (bool more = true, first = true; more && (ids.empty() || done < ids.size()); first = false) {
      auto got = look(name, round_size, first, until);
      if (!got) return fail(got.error());
      more = (*got)->more;
      std::vector<std::size_t> which;
      for (std::size_t i = 0; i < (*got)->messages.size(); ++i)
        if (wanted(ids, (*got)->messages[i].id)) which.push_back(i);
      if (which.empty()) continue;
      if (auto ok = act((*got)->messages, which, until); !ok) return fail(ok.error());
      if (auto ok = keep(**got, which, until); !ok) return fail(ok.error());
      done += which.size();
    }
    if (auto ok = leave(until); !ok) return fail(ok.error());
  }
  return done;
}

expected<std::uint64_t> amqp_inspector::redrive(queue_name const& queue, std::span<std::uint64_t const> ids) {
  return each(queue, ids, [&](std::vector<dead_message>& from, std::vector<std::size_t> const& which, deadline until) {
    std::vector<letter> letters;
    for (auto const i : which) {
      letter l;
      l.what.queue = from[i].queue;
      l.what.envelope = std::move(from[i].envelope);
      letters.push_back(std::move(l));
    }
    return of_->outlet->publish(std::move(letters), until);
  });
}

expected<std::uint64_t> amqp_inspector::purge_dead(queue_name const& queue, std::span<std::uint64_t const> ids) {
  if (!ids.empty()) return each(queue, ids, [](auto const&, auto const&, deadline) -> expected<void> { return {}; });
  std::uint64_t removed = 0;
  for (auto const& name : names(queue)) {
    auto const n = count(dead_name(name), true);
    if (!n) return fail(n.error());
    removed += *n;
  }
  return removed;
}

expected<void> amqp_inspector::revoke(std::span<revocation const> what) {
  auto const stream = revoked_stream();
  auto const made = errands_.run([stream](errands& by) { return by.declare().queue(stream); }, time_limit);
  if (!made) return made;
  std::vector<letter> letters;
  for (auto const& r : what) letters.push_back(notice(stream, write_revocation(r)));
  return of_->outlet->publish(std::move(letters), time_limit);
}

expected<std::vector<queue_name>> amqp_inspector::paused() { return paused_within(500ms); }

expected<std::vector<queue_name>> amqp_inspector::paused_within(std::chrono::milliseconds patience) {
  auto const out = std::make_shared<std::string>();
  auto const job = [out, patience](errands& by) -> expected<void> {
    auto got = by.newest_of(paused_stream(), patience);
    if (!got) return fail(got.error());
    *out = *std::move(got);
    return {};
  };
  if (auto done = errands_.run(job, time_limit); !done) return fail(done.error());
  auto const names = read_names(*out);
  return std::vector<queue_name>{names.begin(), names.end()};
}

// Two who do this at the same moment: the later one counts.
expected<void> amqp_inspector::change_paused(queue_name const& queue, bool pause) {
  auto const before = paused_within(2s);
  if (!before) return fail(before.error());
  std::set<queue_name> names{before->begin(), before->end()};
  bool const changes = pause ? names.insert(queue).second : names.erase(queue) > 0;
  if (!changes) return {};
  return of_->outlet->publish({notice(paused_stream(), write_names(names) + "\n")}, time_limit);
}

}  // namespace

std::unique_ptr<inspector> make_inspector(std::shared_ptr<shared_parts> of) {
  return std::make_unique<amqp_inspector>(std::move(of));
}

}  // namespace lovage::broker::amqp
