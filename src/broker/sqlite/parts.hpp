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

/// A living inbox, as its readers registered it.
struct inbox_row {
  std::int64_t id = 0;
  queue_spec spec;
};
[[nodiscard]] std::vector<inbox_row> living_inboxes(database& db, std::int64_t now);
/// Removes those whose readers died, with what they hold. Within a transaction.
void remove_dead_inboxes(database& db, std::int64_t now);
/// Puts the message into this inbox. Within a transaction; `ring` its name's word after the commit.
void post_letter(database& db, inbox_row const& to, outgoing const& m, std::int64_t now);
/// Of what is broadcast, an inbox keeps the newest `inbox_holds`; answers are all kept. Within a transaction.
void trim_letters(database& db, std::vector<inbox_row> const& inboxes);

class sqlite_producer final : public producer {
 public:
  sqlite_producer(std::shared_ptr<sqlite_store> on, deadline until)
      : store_{std::move(on)}, db_{store_->connect(until)} {}
  expected<void> publish(std::span<outgoing const> messages, deadline until) override;

 private:
  void insert(outgoing const& m, std::int64_t now);
  /// To inboxes, or to a queue that is there already; where neither is, it is dropped, or refused if it must route.
  void deliver(outgoing const& m, std::vector<inbox_row> const& inboxes, std::int64_t now);
  std::shared_ptr<sqlite_store> store_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<database> db_;
  queue_ids queues_;
  std::size_t posted_ = 0;  ///< letters since this producer trimmed inboxes
};

[[nodiscard]] std::unique_ptr<consumer> make_consumer(std::shared_ptr<sqlite_store> on, consumer_options with,
                                                      deadline until);
[[nodiscard]] std::unique_ptr<inbox> make_inbox(std::shared_ptr<sqlite_store> on, queue_spec const& queue,
                                                deadline until);
[[nodiscard]] std::unique_ptr<inspector> make_inspector(std::shared_ptr<sqlite_store> on, deadline until);

}  // namespace lovage::broker::sqlite
