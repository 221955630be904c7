// The reading side of rpc://: one reply queue, one thread that empties it, and everybody who waits.
#pragma once

#include "backend/news.hpp"
#include "backend/record_codec.hpp"
#include "backend/rpc/kept_replies.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>

namespace lovage::backend::rpc {

/// *Threads*: any. Nothing is there before `open`; the destructor ends the thread and waits for it.
class replies {
 public:
  replies(record_codec codec, kept_replies::bounds within);
  ~replies();
  replies(replies const&) = delete;
  replies& operator=(replies const&) = delete;

  /// Makes the reply queue, once. Cheap when it is there.
  [[nodiscard]] expected<void> open(settings const& with, deadline until);

  void add(news& to, std::span<task_id const> ids);
  void remove(news& from, task_id const& id);
  void leave(news& from);
  void interrupt(news& who);
  [[nodiscard]] expected<std::vector<wire::result_record>> next(news& of, deadline until);
  [[nodiscard]] expected<std::vector<wire::result_record>> fetch(std::span<task_id const> ids);
  void forget(std::span<task_id const> ids);

 private:
  void run();
  void take_in(wire::envelope const& message);
  [[nodiscard]] expected<wire::result_record> read(wire::envelope const& message) const;
  void pause(error_info why);
  void warn_of_dropped();

  record_codec const codec_;
  std::shared_ptr<broker::transport> transport_;  // outlives the inbox
  std::unique_ptr<broker::inbox> inbox_;

  std::mutex opening_;  // guards the making of the inbox
  std::atomic<bool> open_{false};

  std::mutex mutex_;  // guards what follows
  std::condition_variable stopping_;
  kept_replies kept_;
  std::unordered_set<news*> watches_;
  std::optional<error_info> trouble_;
  bool stop_ = false, warned_ = false;
  std::thread thread_;
};

}  // namespace lovage::backend::rpc
