#include "broker/memory/memory_transport.hpp"

#include "broker/inbox_binding.hpp"
#include "store/named_space.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>

namespace lovage::broker {
namespace {

struct stored {
  std::uint64_t id;
  outgoing message;
  std::uint32_t attempts = 0;
  bool redelivered = false;
};

/// Ready messages sort by what is served first: higher priority, then older.
struct served_first {
  bool operator()(stored const& a, stored const& b) const {
    return a.message.priority != b.message.priority ? a.message.priority > b.message.priority : a.id < b.id;
  }
};

struct queue_state {
  std::set<stored, served_first> ready;
  std::map<std::uint64_t, stored> claimed;
};

/// What an inbox takes from: a queue of its own, bound to an exchange where the spec names one.
struct mailbox {
  queue_spec spec;
  std::deque<wire::envelope> waiting;  ///< `inbox_holds` at most: the oldest goes first
  bool interrupted = false;
};

struct dead_entry {
  dead_message message;
  int priority = 0;
};

/// One named store. Everything is guarded by `mutex`.
struct space {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, queue_state> queues;
  std::multimap<time_point, stored> delayed;
  std::map<std::uint64_t, dead_entry> dead;
  std::set<std::shared_ptr<mailbox>> mailboxes;
  std::set<queue_name> paused;
  std::deque<revocation> revoked;    ///< the newest
  std::uint64_t revoked_before = 0;  ///< how many came before those
  std::uint64_t next_id = 1;
  now_fn now;

  void promote_due() {
    auto const t = now();
    while (!delayed.empty() && delayed.begin()->first <= t) {
      auto node = delayed.extract(delayed.begin());
      auto& m = node.mapped();
      queues[m.message.queue.str()].ready.insert(std::move(m));
    }
  }
  void bury(stored&& s, std::string reason) {
    auto const id = next_id++;
    dead.emplace(id,
                 dead_entry{{id, s.message.queue, std::move(s.message.envelope), std::move(reason), now(), s.attempts},
                            s.message.priority});
  }
};

class memory_producer final : public producer {
 public:
  explicit memory_producer(std::shared_ptr<space> in) : in_{std::move(in)} {}
  expected<void> publish(std::span<outgoing const> messages, deadline) override {
    std::lock_guard const lock{in_->mutex};
    for (auto const& m : messages)
      if (m.queue.empty() && m.must_route && !reaches_inbox(m)) return queues_only({&m, 1});
    for (auto const& m : messages) post(m);
    in_->changed.notify_all();
    return {};
  }

 private:
  bool reaches_inbox(outgoing const& m) const {
    return std::any_of(in_->mailboxes.begin(), in_->mailboxes.end(),
                       [&](auto const& box) { return takes(box->spec, m); });
  }
  void post(outgoing const& m) {
    bool taken = false;
    for (auto const& box : in_->mailboxes)
      if (takes(box->spec, m)) put(*box, m.envelope), taken = true;
    if (taken || m.queue.empty() || (!m.must_route && !in_->queues.contains(m.queue.str()))) return;
    stored s{in_->next_id++, m, 0, false};
    s.message.priority = std::clamp(m.priority, 0, 9);
    auto& queue = in_->queues[m.queue.str()];
    if (m.due && *m.due > in_->now()) {
      in_->delayed.emplace(*m.due, std::move(s));
    } else {
      queue.ready.insert(std::move(s));
    }
  }
  static void put(mailbox& box, wire::envelope const& e) {
    if (box.waiting.size() >= inbox_holds) box.waiting.pop_front();
    box.waiting.push_back(e);
  }
  std::shared_ptr<space> in_;
};

class memory_inbox final : public inbox {
 public:
  memory_inbox(std::shared_ptr<space> in, queue_spec const& queue) : in_{std::move(in)} {
    box_->spec = queue;
    std::lock_guard const lock{in_->mutex};
    in_->mailboxes.insert(box_);
  }
  ~memory_inbox() override {
    std::lock_guard const lock{in_->mutex};
    in_->mailboxes.erase(box_);
  }
  expected<std::vector<wire::envelope>> take(deadline until) override {
    std::unique_lock lock{in_->mutex};
    while (box_->waiting.empty() && !std::exchange(box_->interrupted, false) && !until.passed()) {
      if (until.is_never()) {
        in_->changed.wait(lock);
      } else {
        in_->changed.wait_until(lock, until.when());
      }
    }
    auto all = std::exchange(box_->waiting, {});
    return std::vector<wire::envelope>{std::make_move_iterator(all.begin()), std::make_move_iterator(all.end())};
  }
  void interrupt() override {
    std::lock_guard const lock{in_->mutex};
    box_->interrupted = true;
    in_->changed.notify_all();
  }

 private:
  std::shared_ptr<space> in_;
  std::shared_ptr<mailbox> const box_ = std::make_shared<mailbox>();
};

class memory_consumer final : public consumer {
 public:
  memory_consumer(std::shared_ptr<space> in, consumer_options with) : in_{std::move(in)}, options_{std::move(with)} {
    std::lock_guard const lock{in_->mutex};
    for (std::size_t i = 0; i < options_.queues.size(); ++i) join(options_.queues[i], options_.weight(i));
  }
  ~memory_consumer() override { close(); }

  expected<std::vector<delivery>> claim(std::size_t max, deadline until) override;
  expected<void> settle(std::span<settlement const> what, deadline until) override;
  void interrupt() override {
    std::lock_guard const lock{in_->mutex};
    interrupted_ = true;
    in_->changed.notify_all();
  }
  expected<void> subscribe(queue_spec const& queue, deadline) override {
    std::lock_guard const lock{in_->mutex};
    return join(queue.name, 1), expected<void>{};
  }
  expected<void> unsubscribe(queue_name const& queue, deadline) override {
    std::lock_guard const lock{in_->mutex};
    return queues_.remove(queue), expected<void>{};
  }
  void select(std::span<queue_name const> queues) override {
    std::lock_guard const lock{in_->mutex};
    queues_.select(queues);
  }
  void allow(std::size_t octets) override { allowed_ = octets; }
  std::vector<revocation> revoked() override {
    std::lock_guard const lock{in_->mutex};
    auto const& all = in_->revoked;
    auto const known = revoked_seen_ - std::min(revoked_seen_, in_->revoked_before);
    revoked_seen_ = in_->revoked_before + all.size();
    return {all.begin() + static_cast<std::ptrdiff_t>(known), all.end()};
  }
  void close() override;

 private:
  void join(queue_name const& queue, int weight) {
    in_->queues[queue.str()];
    queues_.add(queue, weight);
  }
  bool take_one(std::vector<delivery>& out);
  void wait(std::unique_lock<std::mutex>& lock, deadline until);
  void settle_one(settlement const& s);

  std::shared_ptr<space> in_;
  consumer_options const options_;
  std::map<std::uint64_t, std::string> mine_;  ///< tag to queue
  bool interrupted_ = false, closed_ = false;
  std::atomic<std::size_t> allowed_{unbounded};
  queue_set queues_{options_.order};
  std::uint64_t revoked_seen_ = 0;  ///< of all that ever were
};

bool memory_consumer::take_one(std::vector<delivery>& out) {
  std::vector<queue_picker::candidate> full;
  for (auto const q : queues_.served()) {
    auto const& ready = in_->queues[queues_.name(q).str()].ready;
    if (!ready.empty() && !in_->paused.contains(queues_.name(q))) full.push_back({q, ready.begin()->message.priority});
  }
  if (full.empty()) return false;
  auto& from = in_->queues[queues_.name(full[queues_.picker().pick(full)].queue).str()];
  auto node = from.ready.extract(from.ready.begin());
  auto& s = node.value();
  out.push_back({s.id, s.message.queue, s.message.envelope, s.message.priority, s.attempts, s.redelivered});
  mine_.emplace(s.id, s.message.queue.str());
  from.claimed.emplace(s.id, std::move(s));
  return true;
}

// A time to come is waited for on the real clock; a test's clock that jumps interrupts the consumer.
void memory_consumer::wait(std::unique_lock<std::mutex>& lock, deadline until) {
  auto end = until.sooner(deadline::in(std::chrono::seconds{1}));
  if (!in_->delayed.empty())
    end = end.sooner(deadline::in(std::max(in_->delayed.begin()->first - in_->now(), std::chrono::microseconds{100})));
  in_->changed.wait_until(lock, end.when());
}

expected<std::vector<delivery>> memory_consumer::claim(std::size_t max, deadline until) {
  std::vector<delivery> out;
  std::unique_lock lock{in_->mutex};
  for (;;) {
    if (closed_) return fail(errc::closed, "the consumer was closed", options_.session_name);
    bool const stop = std::exchange(interrupted_, false);
    in_->promote_due();
    for (claim_room room{max, allowed_}; room.left() && take_one(out);) room.took(out.back());
    bool const news = revoked_seen_ < in_->revoked_before + in_->revoked.size();
    if (!out.empty() || stop || news || max == 0 || until.passed()) return out;
    wait(lock, until);
  }
}

void memory_consumer::settle_one(settlement const& s) {
  auto const at = mine_.find(s.tag);
  if (at == mine_.end()) return;
  auto& queue = in_->queues[at->second];
  mine_.erase(at);
  auto node = queue.claimed.extract(s.tag);
  auto& m = node.mapped();
  switch (s.how) {
    case disposition::done: return;
    case disposition::bury: return in_->bury(std::move(m), s.reason);
    case disposition::requeue: m.attempts += 1, m.redelivered = true; break;
    case disposition::release: break;
  }
  queue.ready.insert(std::move(m));
}

expected<void> memory_consumer::settle(std::span<settlement const> what, deadline) {
  std::lock_guard const lock{in_->mutex};
  if (closed_) return fail(errc::closed, "the consumer was closed", options_.session_name);
  for (auto const& s : what) settle_one(s);
  in_->changed.notify_all();
  return {};
}

void memory_consumer::close() {
  std::lock_guard const lock{in_->mutex};
  closed_ = true;
  while (!mine_.empty()) settle_one({mine_.begin()->first, disposition::release, {}});
  in_->changed.notify_all();
}

class memory_inspector final : public inspector {
 public:
  explicit memory_inspector(std::shared_ptr<space> in) : in_{std::move(in)} {}

  expected<std::vector<queue_info>> queues() override {
    std::lock_guard const lock{in_->mutex};
    in_->promote_due();
    std::vector<queue_info> out;
    for (auto const& [name, q] : in_->queues) out.push_back({queue_name{name}, q.ready.size(), 0, q.claimed.size(), 0});
    for (auto& q : out) {
      for (auto const& [due, m] : in_->delayed) q.delayed += m.message.queue == q.name ? 1 : 0;
      for (auto const& [id, d] : in_->dead) q.dead += d.message.queue == q.name ? 1 : 0;
    }
    return out;
  }
  expected<std::uint64_t> purge(queue_name const& queue) override {
    std::lock_guard const lock{in_->mutex};
    auto const n = std::erase_if(in_->delayed, [&](auto const& d) { return d.second.message.queue == queue; });
    auto const ready = std::exchange(in_->queues[queue.str()].ready, {});
    return n + ready.size();
  }
  expected<std::vector<dead_message>> dead(queue_name const& queue, std::size_t max) override {
    std::lock_guard const lock{in_->mutex};
    std::vector<dead_message> out;
    for (auto const& [id, d] : in_->dead)
      if (out.size() < max && (queue.empty() || d.message.queue == queue)) out.push_back(d.message);
    return out;
  }
  expected<std::optional<dead_message>> dead_one(std::uint64_t id) override {
    std::lock_guard const lock{in_->mutex};
    auto const at = in_->dead.find(id);
    return at == in_->dead.end() ? std::nullopt : std::optional{at->second.message};
  }
  expected<std::uint64_t> redrive(queue_name const& queue, std::span<std::uint64_t const> ids) override {
    return each(queue, ids, [this](dead_entry&& e) {
      auto& d = e.message;
      stored s{in_->next_id++, {d.queue, std::move(d.envelope), e.priority, std::nullopt}, 0, true};
      in_->queues[d.queue.str()].ready.insert(std::move(s));
    });
  }
  expected<std::uint64_t> purge_dead(queue_name const& queue, std::span<std::uint64_t const> ids) override {
    return each(queue, ids, [](dead_entry&&) {});
  }
  expected<void> revoke(std::span<revocation const> what) override {
    std::lock_guard const lock{in_->mutex};
    auto& all = in_->revoked;
    all.insert(all.end(), what.begin(), what.end());
    for (auto const t = in_->now(); !all.empty() && (all.size() > revocations_kept || all.front().until <= t);)
      all.pop_front(), ++in_->revoked_before;
    in_->changed.notify_all();
    return {};
  }
  expected<void> pause(queue_name const& queue) override {
    std::lock_guard const lock{in_->mutex};
    return in_->paused.insert(queue), expected<void>{};
  }
  expected<void> resume(queue_name const& queue) override {
    std::lock_guard const lock{in_->mutex};
    in_->paused.erase(queue);
    return in_->changed.notify_all(), expected<void>{};
  }
  expected<std::vector<queue_name>> paused() override {
    std::lock_guard const lock{in_->mutex};
    return std::vector<queue_name>{in_->paused.begin(), in_->paused.end()};
  }

 private:
  template <class F>
  std::uint64_t each(queue_name const& queue, std::span<std::uint64_t const> ids, F&& act) {
    std::lock_guard const lock{in_->mutex};
    std::uint64_t n = 0;
    for (auto at = in_->dead.begin(); at != in_->dead.end();) {
      auto const& d = at->second.message;
      bool const named = std::find(ids.begin(), ids.end(), d.id) != ids.end();
      bool const wanted = ids.empty() ? queue.empty() || d.queue == queue : named;
      if (wanted) act(std::move(at->second)), ++n;
      at = wanted ? in_->dead.erase(at) : std::next(at);
    }
    in_->changed.notify_all();
    return n;
  }
  std::shared_ptr<space> in_;
};

class memory_transport final : public transport {
 public:
  explicit memory_transport(std::shared_ptr<space> in) : in_{std::move(in)} {}
  [[nodiscard]] traits abilities() const override {
    return {.atomic_batches = true,
            .delayed = true,
            .priorities = true,
            .dead_set = true,
            .inboxes = true,
            .revocations = true,
            .pauses = true};
  }
  expected<std::unique_ptr<producer>> make_producer(deadline) override {
    return std::unique_ptr<producer>{std::make_unique<memory_producer>(in_)};
  }
  expected<std::unique_ptr<consumer>> make_consumer(consumer_options with, deadline) override {
    return std::unique_ptr<consumer>{std::make_unique<memory_consumer>(in_, std::move(with))};
  }
  expected<std::unique_ptr<inspector>> make_inspector(deadline) override {
    return std::unique_ptr<inspector>{std::make_unique<memory_inspector>(in_)};
  }
  expected<std::unique_ptr<inbox>> make_inbox(queue_spec const& queue, deadline) override {
    return std::unique_ptr<inbox>{std::make_unique<memory_inbox>(in_, queue)};
  }

 private:
  std::shared_ptr<space> in_;
};

}  // namespace

expected<std::shared_ptr<transport>> make_memory_transport(settings with, deadline) {
  return std::shared_ptr<transport>{
      std::make_shared<memory_transport>(store::named_space<space>(with.connection.urls, std::move(with.now)))};
}

}  // namespace lovage::broker
