#include "beat/memory/memory_store.hpp"

#include "beat/row.hpp"
#include "store/named_space.hpp"

namespace lovage::beats {
namespace {

struct kept_claim {
  time_point claimed_at;
  std::optional<time_point> sent_at;
};

struct kept_state {
  std::optional<time_point> last_due, last_run_at;
  std::int64_t total = 0;
  std::uint64_t changed = 0;
};

struct schedule_space {
  now_fn now;
  std::mutex mutex;  // guards what follows
  entry_rows rows;
  std::map<std::string, kept_state, std::less<>> states;
  std::map<std::pair<std::string, time_point>, kept_claim> claims;
  std::uint64_t counter = 0, all_from = 0, term = 0;
  std::string holder;
  time_point lead_until{};
  std::map<schedule_store*, std::function<void()>> listeners;
};

class memory_store final : public schedule_store {
 public:
  explicit memory_store(std::shared_ptr<schedule_space> on) : on_{std::move(on)} {
    std::lock_guard const lock{on_->mutex};
    on_->listeners.emplace(this, [this] { interrupt(); });
  }
  ~memory_store() override {
    std::lock_guard const lock{on_->mutex};
    on_->listeners.erase(this);
  }

  [[nodiscard]] traits abilities() const override { return {.many_machines = false, .tells = true}; }
  expected<changes> read(std::uint64_t since, deadline until) override;
  expected<void> put(std::span<entry const> entries, put_mode mode, deadline until) override;
  expected<bool> remove(std::string_view name, deadline until) override;
  expected<bool> enable(std::string_view name, bool on, deadline until) override;
  expected<void> sync(std::span<entry const> own, deadline until) override;
  expected<leadership> lead(std::string_view who, std::chrono::milliseconds lease, deadline until) override;
  expected<void> resign(std::string_view who, deadline until) override;
  expected<std::vector<bool>> claim(std::uint64_t term, std::span<decision const> all, deadline until) override;
  expected<void> note_sent(std::span<sent_note const> all, deadline until) override;
  expected<std::vector<occurrence>> take_over(std::uint64_t term, std::size_t limit, deadline until) override;
  expected<std::uint64_t> cleanup(deadline until) override;

 private:
  // The caller holds the lock.
  void write(std::string const& name, entry_row row) {
    on_->states[name].changed = on_->counter + 1;
    on_->rows.insert_or_assign(name, std::move(row));
  }
  void erase(std::string const& name) {
    on_->rows.erase(name);
    on_->states.erase(name);
    std::erase_if(on_->claims, [&](auto const& c) { return c.first.first == name; });
    on_->all_from = on_->counter + 1;
  }
  void changed() {
    ++on_->counter;
    tell();
  }
  void tell() const {
    for (auto const& [who, wake] : on_->listeners) wake();
  }
  [[nodiscard]] expected<void> check(std::uint64_t term) const {
    if (term == on_->term && !on_->holder.empty()) return {};
    return fail(errc::conflict, "another scheduler leads: " + on_->holder);
  }
  [[nodiscard]] bool decide(decision const& d, time_point now);

  std::shared_ptr<schedule_space> const on_;
};

expected<changes> memory_store::read(std::uint64_t since, deadline) {
  std::lock_guard const lock{on_->mutex};
  changes out;
  out.counter = on_->counter;
  out.all = since == 0 || since < on_->all_from;
  for (auto const& [name, row] : on_->rows) {
    auto const& state = on_->states[name];
    if (!out.all && state.changed <= since) continue;
    auto e = entry_of_row(name, row);
    if (!e) continue;
    e->last_due = state.last_due;
    e->last_run_at = state.last_run_at;
    e->total_run_count = state.total;
    out.put.push_back(*std::move(e));
  }
  return out;
}

expected<void> memory_store::put(std::span<entry const> entries, put_mode mode, deadline) {
  std::lock_guard const lock{on_->mutex};
  for (auto const& e : entries)
    if (auto ok = check_put(mode, e.name, on_->rows.contains(e.name)); !ok) return ok;
  for (auto const& e : entries) {
    auto const before = on_->rows.find(e.name);
    write(e.name, row_after_put(e, before == on_->rows.end() ? nullptr : &before->second, on_->now()));
  }
  changed();
  return {};
}

expected<bool> memory_store::remove(std::string_view name, deadline) {
  std::lock_guard const lock{on_->mutex};
  if (!on_->rows.contains(name)) return false;
  erase(std::string{name});
  changed();
  return true;
}

expected<bool> memory_store::enable(std::string_view name, bool on, deadline) {
  std::lock_guard const lock{on_->mutex};
  auto const row = on_->rows.find(name);
  if (row == on_->rows.end()) return false;
  if (row->second.enabled == on) return true;
  auto after = row->second;
  after.enabled = on;
  if (on) after.counts_from = on_->now();
  write(row->first, std::move(after));
  changed();
  return true;
}

expected<void> memory_store::sync(std::span<entry const> own, deadline) {
  std::lock_guard const lock{on_->mutex};
  auto plan = plan_sync(own, on_->rows, on_->now());
  for (auto& [name, row] : plan.put) write(name, std::move(row));
  for (auto const& name : plan.remove) erase(name);
  if (!plan.put.empty() || !plan.remove.empty()) changed();
  return {};
}

expected<leadership> memory_store::lead(std::string_view who, std::chrono::milliseconds lease, deadline) {
  std::lock_guard const lock{on_->mutex};
  auto const now = on_->now();
  bool const over = on_->holder.empty() || on_->lead_until <= now || on_->lead_until > now + lease;
  if (on_->holder != who && !over) return leadership{false, on_->term, on_->holder};
  if (on_->holder != who) ++on_->term;
  on_->holder = who;
  on_->lead_until = now + lease;
  return leadership{true, on_->term, on_->holder};
}

expected<void> memory_store::resign(std::string_view who, deadline) {
  std::lock_guard const lock{on_->mutex};
  if (on_->holder != who) return {};
  on_->holder.clear();
  tell();
  return {};
}

bool memory_store::decide(decision const& d, time_point now) {
  auto const row = on_->rows.find(d.entry);
  if (row == on_->rows.end()) return false;
  row->second.counts_from = std::max(row->second.counts_from, d.due);
  return d.send && on_->claims.try_emplace({row->first, d.due}, kept_claim{now, std::nullopt}).second;
}

expected<std::vector<bool>> memory_store::claim(std::uint64_t term, std::span<decision const> all, deadline) {
  std::lock_guard const lock{on_->mutex};
  if (auto ok = check(term); !ok) return fail(ok.error());
  std::vector<bool> out;
  for (auto const& d : all) out.push_back(decide(d, on_->now()));
  return out;
}

expected<void> memory_store::note_sent(std::span<sent_note const> all, deadline) {
  std::lock_guard const lock{on_->mutex};
  bool ended = false;
  for (auto const& n : all) {
    auto const claim = on_->claims.find({std::string{n.entry}, n.due});
    auto const row = on_->rows.find(n.entry);
    if (claim == on_->claims.end() || claim->second.sent_at || row == on_->rows.end()) continue;
    claim->second.sent_at = n.at;
    if (!n.counts) continue;
    auto& state = on_->states[row->first];
    state.last_due = n.due;
    state.last_run_at = n.at;
    ++state.total;
    if (!n.last) continue;
    row->second.enabled = false;
    state.changed = on_->counter + 1;
    ended = true;
  }
  if (ended) changed();
  return {};
}

expected<std::vector<occurrence>> memory_store::take_over(std::uint64_t term, std::size_t limit, deadline) {
  std::lock_guard const lock{on_->mutex};
  if (auto ok = check(term); !ok) return fail(ok.error());
  auto const now = on_->now();
  std::vector<occurrence> out;
  for (auto& [at, claim] : on_->claims) {
    if (out.size() == limit) break;
    if (claim.sent_at || claim.claimed_at + claim_life > now) continue;
    claim.claimed_at = now;
    out.push_back({at.first, at.second});
  }
  return out;
}

expected<std::uint64_t> memory_store::cleanup(deadline) {
  std::lock_guard const lock{on_->mutex};
  auto const before = on_->now() - claim_kept;
  return std::erase_if(on_->claims, [&](auto const& c) { return c.second.sent_at && *c.second.sent_at < before; });
}

}  // namespace

expected<std::shared_ptr<schedule_store>> make_memory_store(store_settings with, deadline) {
  auto on = store::named_space<schedule_space>("beat " + with.connection.urls, std::move(with.now));
  return std::shared_ptr<schedule_store>{std::make_shared<memory_store>(std::move(on))};
}

}  // namespace lovage::beats
