// What one watch waits for and has been told, for drivers that are told of every record by a thread.
#pragma once

#include "backend/result_backend.hpp"

#include <condition_variable>
#include <mutex>
#include <unordered_map>

namespace lovage::backend {

/// *Threads*: everything under the mutex of whoever tells; `next` waits on it.
class news {
 public:
  /// True when it was not watched yet.
  bool add(task_id const& id) { return watched_.try_emplace(id.str()).second; }
  /// True when it was watched.
  bool remove(task_id const& id);
  [[nodiscard]] bool watches(std::string const& id) const { return watched_.contains(id); }
  template <class F>
  void each_watched(F&& tell) const {
    for (auto const& [id, shown] : watched_) tell(id);
  }

  /// Kept for `next` when it is watched and says something new; a final one leaves the watch.
  void tell(wire::result_record const& r);
  /// Its record cannot be read: an error of `next`, once, and it leaves the watch.
  void tell(std::string const& id, error_info why);
  void interrupt();
  /// Somebody should look whether there is trouble.
  void wake() { changed_.notify_all(); }

  /// As `watch::next`. `trouble`: why nothing can be told at present; `bad_config` and `not_supported` end the wait at
  /// once, anything else is told at the deadline.
  [[nodiscard]] expected<std::vector<wire::result_record>> next(std::unique_lock<std::mutex>& lock,
                                                                std::optional<error_info> const& trouble,
                                                                deadline until);

 private:
  std::unordered_map<std::string, std::optional<wire::result_record>> watched_;  ///< and what was shown last
  std::unordered_map<std::string, wire::result_record> news_;
  std::vector<error_info> faults_;
  bool interrupted_ = false;
  std::condition_variable changed_;
};

}  // namespace lovage::backend
