// Deliveries from arrival to settlement, under numbers of our own: a message that comes a second time is recognised
// whatever tag it has then.
//
//   arrive --> enter --> begun --> (over) --> close --> remembered
//                ^---- adopt: another tag of the same call
#pragma once

#include "broker/transport.hpp"
#include "execute/request.hpp"
#include "worker/recent_calls.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace lovage::work {

/// What makes two messages the same call: the task's id, which retry it is, how often it was replaced, and the queue:
/// an exchange may have put one message into several, and then it is to run once from each.
[[nodiscard]] std::string call_key(wire::task_message const& m, queue_name const& queue);

/// *Threads*: `begun` any, the rest the consumer's.
class delivery_book {
 public:
  /// `remembered`: how many calls that are over are known, the newest ones.
  explicit delivery_book(std::size_t remembered = 10'000) : over_{remembered} {}

  /// The job number of a new delivery.
  [[nodiscard]] std::uint64_t arrive(std::uint64_t tag);

  enum class verdict {
    fresh,  ///< not known: it is to run
    open,   ///< it waits, runs or is being settled here
    over,   ///< it was run and settled here lately
  };
  struct finding {
    verdict what = verdict::fresh;
    std::uint64_t job = 0;  ///< of the open one
  };
  /// `may_be_copy`: the broker or a sender says that it may have come before; only then are calls looked up that are
  /// over, since somebody may send a new task under an old id.
  [[nodiscard]] finding look(std::string const& key, bool may_be_copy) const;

  /// From now on copies of this delivery are recognised.
  void enter(std::uint64_t job, std::string key);
  /// Copies of it are to run: it goes back, or to the dead set.
  void forget(std::uint64_t job);
  /// `copy` is the same call as `job`: its tag is settled with the job's own. The tag, when the job has begun already.
  [[nodiscard]] std::optional<std::uint64_t> adopt(std::uint64_t job, std::uint64_t copy);
  /// It begins to run: its newest tag.
  [[nodiscard]] std::optional<std::uint64_t> begun(std::uint64_t job);

  /// What to tell the broker: `how` for the newest tag of each, `done` for older ones (of a lost connection, as a rule,
  /// and passed over).
  [[nodiscard]] std::vector<broker::settlement> settlements(std::span<execute::closing const> closings) const;
  /// Their tags are settled, though the tasks are still to run.
  void acknowledged(std::span<execute::closing const> closings);
  /// They are settled and done with.
  void close(std::span<execute::closing const> closings);

  [[nodiscard]] std::size_t open_jobs() const;

 private:
  struct entry {
    std::vector<std::uint64_t> tags;
    std::string key;
    bool has_begun = false;
  };

  mutable std::mutex mutex_;  // guards what follows
  std::uint64_t next_ = 1;
  std::unordered_map<std::uint64_t, entry> open_;
  std::unordered_map<std::string, std::uint64_t> by_key_;
  recent_calls over_;
};

}  // namespace lovage::work
