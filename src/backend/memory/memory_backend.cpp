#include "backend/memory/memory_backend.hpp"

#include "backend/memory/chord_book.hpp"
#include "store/named_space.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

namespace lovage::backend {
namespace {

using wire::result_record;

struct kept_record {
  result_record record;
  std::optional<time_point> expires;
};

struct kept_claim {
  std::string text;
  std::optional<time_point> expires;
};

template <class Kept>
bool has_expired(Kept const& k, time_point now) {
  return k.expires && *k.expires <= now;
}

class memory_watch;

/// One named store. Everything is guarded by `mutex`.
struct space {
  std::mutex mutex;
  std::condition_variable changed;
  std::unordered_map<std::string, kept_record> records;
  std::unordered_map<std::string, kept_claim> claims;
  std::set<memory_watch*> watches;
  chord_book chords;
  now_fn now;

  result_record const* find(std::string const& id) const {
    auto const at = records.find(id);
    if (at == records.end() || has_expired(at->second, now())) return nullptr;
    return &at->second.record;
  }
};

class memory_watch final : public watch {
 public:
  explicit memory_watch(std::shared_ptr<space> in) : in_{std::move(in)} {
    std::lock_guard const lock{in_->mutex};
    in_->watches.insert(this);
  }
  ~memory_watch() override {
    std::lock_guard const lock{in_->mutex};
    in_->watches.erase(this);
  }
  void add(std::span<task_id const> ids) override {
    std::lock_guard const lock{in_->mutex};
    for (auto const& id : ids) {
      watched_.insert(id.str());
      if (in_->find(id.str())) news_.insert(id.str());
    }
  }
  void remove(task_id const& id) override {
    std::lock_guard const lock{in_->mutex};
    watched_.erase(id.str());
  }
  expected<std::vector<result_record>> next(deadline until) override;
  void interrupt() override {
    std::lock_guard const lock{in_->mutex};
    interrupted_ = true;
    in_->changed.notify_all();
  }
  /// Requires the space's lock.
  void written(std::string const& id) {
    if (watched_.contains(id)) news_.insert(id);
  }

 private:
  std::shared_ptr<space> in_;
  std::set<std::string> watched_, news_;
  bool interrupted_ = false;
};

expected<std::vector<result_record>> memory_watch::next(deadline until) {
  std::vector<result_record> out;
  std::unique_lock lock{in_->mutex};
  for (;;) {
    for (auto const& id : std::exchange(news_, {})) {
      auto const* r = in_->find(id);
      if (!r || !watched_.contains(id)) continue;
      if (r->ready()) watched_.erase(id);
      out.push_back(*r);
    }
    if (!out.empty() || std::exchange(interrupted_, false) || watched_.empty() || until.passed()) return out;
    if (until.is_never()) {
      in_->changed.wait(lock);
    } else {
      in_->changed.wait_until(lock, until.when());
    }
  }
}

class memory_backend final : public result_backend {
 public:
  explicit memory_backend(std::shared_ptr<space> in) : in_{std::move(in)} {}

  expected<void> store(std::span<result_record const> records, std::chrono::seconds expires, deadline) override {
    for (auto const& r : records)  // what could not be written elsewhere is refused here too
      if (auto encoded = wire::encode_record(r); !encoded) return fail(encoded.error());
    std::lock_guard const lock{in_->mutex};
    for (auto const& r : records) {
      auto const* before = in_->find(r.id.str());
      if (before && before->status == wire::state::success) continue;
      auto const end = expires.count() > 0 ? std::optional{in_->now() + expires} : std::nullopt;
      in_->records.insert_or_assign(r.id.str(), kept_record{r, end});
      for (auto* w : in_->watches) w->written(r.id.str());
    }
    in_->changed.notify_all();
    return {};
  }
  expected<std::vector<result_record>> fetch(std::span<task_id const> ids, deadline) override {
    std::lock_guard const lock{in_->mutex};
    std::vector<result_record> out;
    for (auto const& id : ids) {
      auto const* r = in_->find(id.str());
      out.push_back(r ? *r : result_record{});
      out.back().id = id;
    }
    return out;
  }
  expected<void> forget(std::span<task_id const> ids, deadline) override {
    std::lock_guard const lock{in_->mutex};
    for (auto const& id : ids) in_->records.erase(id.str());
    return {};
  }
  expected<std::unique_ptr<watch>> make_watch() override {
    return std::unique_ptr<watch>{std::make_unique<memory_watch>(in_)};
  }
  expected<std::uint64_t> cleanup(deadline) override {
    std::lock_guard const lock{in_->mutex};
    auto const now = in_->now();
    auto const over = [&](auto const& kept) { return has_expired(kept.second, now); };
    return in_->chords.cleanup(now) + std::erase_if(in_->records, over) + std::erase_if(in_->claims, over);
  }

  expected<void> start_chords(std::span<chord_start const> chords, std::chrono::seconds expires, deadline) override {
    std::lock_guard const lock{in_->mutex};
    in_->chords.start(chords, expires, in_->now());
    return {};
  }
  expected<std::vector<chord_end>> count_parts(std::span<chord_part const> parts, std::span<value const> bodies,
                                               std::chrono::seconds expires, deadline) override {
    std::lock_guard const lock{in_->mutex};
    return in_->chords.count(parts, bodies, expires, in_->now());
  }
  expected<void> end_chords(std::span<std::string const> groups, deadline) override {
    std::lock_guard const lock{in_->mutex};
    in_->chords.end(groups, in_->now());
    return {};
  }
  expected<std::vector<chord_end>> claim_chords(std::size_t limit, deadline) override {
    std::lock_guard const lock{in_->mutex};
    return in_->chords.claim(limit, in_->now());
  }
  expected<void> grow_chord(std::string const& group, std::span<task_id const> added, deadline) override {
    std::lock_guard const lock{in_->mutex};
    in_->chords.grow(group, added);
    return {};
  }
  expected<value> chord_body(std::string const& group, deadline) override {
    std::lock_guard const lock{in_->mutex};
    return in_->chords.body(group);
  }
  expected<void> store_group(wire::result_tuple const& group, std::chrono::seconds expires, deadline) override {
    std::lock_guard const lock{in_->mutex};
    in_->chords.store(group, expires, in_->now());
    return {};
  }
  expected<std::optional<wire::result_tuple>> fetch_group(std::string const& id, deadline) override {
    std::lock_guard const lock{in_->mutex};
    return in_->chords.fetch(id, in_->now());
  }
  expected<void> forget_group(std::string const& id, deadline) override {
    std::lock_guard const lock{in_->mutex};
    in_->chords.forget(id);
    return {};
  }
  expected<std::vector<bool>> claim_runs(std::span<run_claim const> claims, std::chrono::seconds keep,
                                         deadline) override {
    std::lock_guard const lock{in_->mutex};
    std::vector<bool> out;
    auto const now = in_->now();
    for (auto const& c : claims) {
      auto const [at, fresh] = in_->claims.try_emplace(c.id.str());
      auto& kept = at->second;
      if (fresh || has_expired(kept, now)) kept = {c.text, keep.count() > 0 ? std::optional{now + keep} : std::nullopt};
      out.push_back(kept.text == c.text);
    }
    return out;
  }

 private:
  std::shared_ptr<space> in_;
};

}  // namespace

expected<std::shared_ptr<result_backend>> make_memory_backend(settings with, deadline) {
  return std::shared_ptr<result_backend>{
      std::make_shared<memory_backend>(store::named_space<space>(with.connection.urls, std::move(with.now)))};
}

}  // namespace lovage::backend
