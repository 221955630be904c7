// The three faces of the embedded store's broker side; private to this folder.
#pragma once

#include "broker/transport.hpp"
#include "store/sqlite_store.hpp"

#include <memory>
#include <mutex>
#include <unordered_map>

namespace lovage::broker::sqlite {

using store::database;
using store::sqlite_store;
using store::statement;
using store::transaction;

enum class row_state : int { ready = 0, delayed = 1, claimed = 2 };

/// Names of queues as numbers. Call within a transaction that is committed, or look up only.
class queue_ids {
 public:
  [[nodiscard]] std::int64_t get_or_make(database& db, std::string const& name);
  /// 0 when there is no such queue yet.
  [[nodiscard]] std::int64_t find(database& db, std::string const& name);
  /// Forgets what a rolled back transaction made.
  void forget() { known_.clear(); }

 private:
  std::unordered_map<std::string, std::int64_t> known_;
};

class sqlite_producer final : public producer {
 public:
  sqlite_producer(std::shared_ptr<sqlite_store> on, deadline until)
      : store_{std::move(on)}, db_{store_->connect(until)} {}
  expected<void> publish(std::span<outgoing const> messages, deadline until) override;

 private:
  void insert(outgoing const& m, std::int64_t now);
  std::shared_ptr<sqlite_store> store_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<database> db_;
  queue_ids queues_;
};

[[nodiscard]] std::unique_ptr<consumer> make_consumer(std::shared_ptr<sqlite_store> on, consumer_options with,
                                                      deadline until);
[[nodiscard]] std::unique_ptr<inspector> make_inspector(std::shared_ptr<sqlite_store> on, deadline until);

}  // namespace lovage::broker::sqlite
