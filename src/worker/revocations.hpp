// What is not to run here: ids, and values of stamped headers. A bounded memory, as Celery's.
#pragma once

#include "broker/revocation.hpp"
#include "core/clock.hpp"

#include <lovage/expected.hpp>
#include <lovage/types.hpp>
#include <lovage/value.hpp>

#include <atomic>
#include <list>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::work {

struct revocation_limits {
  std::size_t most = 50'000;             ///< the newest are kept; zero: no limit
  std::chrono::seconds expires{10'800};  ///< after that one is forgotten; zero: never

  /// `CELERY_WORKER_REVOKES_MAX` and `CELERY_WORKER_REVOKE_EXPIRES` (seconds) of the environment, as Celery reads them.
  [[nodiscard]] static revocation_limits from_environment();
};

/// *Threads*: any.
class revocations {
 public:
  explicit revocations(revocation_limits limits = {}, now_fn now = system_now);

  /// What was not known before.
  std::vector<broker::revocation> revoke(std::span<task_id const> ids, time_point now);
  /// Tasks whose header `name` has one of these values; a text, or a list of texts. What was not known before.
  std::vector<broker::revocation> revoke_stamps(std::string const& name, std::vector<std::string> const& values,
                                                time_point now);
  /// As a broker tells it.
  void add(std::span<broker::revocation const> what);

  [[nodiscard]] bool is_revoked(task_id const& id) const;
  /// By id, or by one of its stamped headers.
  [[nodiscard]] bool is_revoked(task_id const& id, value::map const& stamps) const;
  /// Oldest first.
  [[nodiscard]] std::vector<task_id> ids() const;
  /// Grows with everything that was revoked: whoever holds tasks looks at them again then. Cheap.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }

  /// For `hello` (wire-format 11.1): {id: [when, id]}, `when` in seconds.
  [[nodiscard]] value::map to_value() const;
  /// What a peer sent so, or as a list of ids (Celery's from 5.7 on). What has another form is passed over.
  void merge(value const& from);

  /// `worker_state_db`: one entry a line, see write_revocation. A file that is not there is empty. Errors: `io` by
  /// errno, `decode` for a file of something else, such as Celery's.
  [[nodiscard]] expected<void> load(std::string const& path);
  [[nodiscard]] expected<void> save(std::string const& path) const;

 private:
  using entries = std::list<broker::revocation>;
  bool insert(broker::revocation what);  // with the lock held; whether it is new
  void forget_old(time_point now);       // likewise
  [[nodiscard]] bool has(std::string const& key, time_point now) const;
  [[nodiscard]] time_point until(time_point now) const;

  revocation_limits const limits_;
  now_fn const now_;
  std::atomic<std::uint64_t> version_{0};
  mutable std::mutex mutex_;  // guards what follows
  entries all_;               ///< oldest first
  std::unordered_map<std::string, entries::iterator> by_key_;
  std::size_t stamps_ = 0;  ///< of them
};

}  // namespace lovage::work
