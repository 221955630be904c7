// The one connection over which all results of a backend are waited for, and its thread.
//
//   watch.add --> awaited --orders--> [thread] --SUBSCRIBE, UNSUBSCRIBE--> Redis
//   watch.next <-- news <--deliver-- [thread] <--messages, MGET----------
#pragma once

#include "backend/news.hpp"
#include "backend/record_codec.hpp"
#include "backend/redis/awaited.hpp"
#include "backend/redis/keys.hpp"
#include "io/descriptor.hpp"
#include "redis/client.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>

namespace lovage::backend::redis {

/// *Threads*: any. The thread starts with the first watched id and ends with the listener, whose destructor waits for
/// it: at most one attempt to connect (`connect_timeout`) or one read of a server that does not answer. Nothing is said
/// to the server while nobody waits.
class listener {
 public:
  listener(std::shared_ptr<lovage::redis::client> reads, record_codec codec, key_names names);
  ~listener();
  listener(listener const&) = delete;
  listener& operator=(listener const&) = delete;

  void add(news& to, std::span<task_id const> ids);
  void remove(news& from, task_id const& id);
  void leave(news& from);
  void interrupt(news& who);
  [[nodiscard]] expected<std::vector<wire::result_record>> next(news& of, deadline until);

 private:
  using clock = std::chrono::steady_clock;
  struct finding {
    std::string id;
    expected<wire::result_record> record;
  };
  /// What came over the connection at once.
  struct hearing {
    std::vector<std::string> subscribed, changed;
    std::vector<finding> found;
  };
  void run();
  void turn();
  [[nodiscard]] bool connect();
  void lost(error_info why);
  [[nodiscard]] bool take_orders(awaited::orders& out);
  [[nodiscard]] expected<void> carry_out(awaited::orders const& orders);
  [[nodiscard]] expected<void> look_at(std::vector<std::string> const& ids);
  [[nodiscard]] expected<hearing> hear(bool idle);
  [[nodiscard]] expected<void> prove_life();
  void understand(lovage::redis::reply&& said, hearing& out) const;
  void deliver(hearing const& heard);
  void deliver_one(finding const& f);
  void poke();
  void heed_poke();

  std::shared_ptr<lovage::redis::client> const reads_;
  record_codec const codec_;
  key_names const names_;
  std::chrono::milliseconds const heartbeat_;
  io::descriptor wake_;

  std::mutex mutex_;  // guards what follows
  awaited awaited_;
  std::unordered_set<news*> watches_;
  std::optional<error_info> trouble_;  ///< why there is no connection
  bool stop_ = false, poked_ = false;
  std::thread thread_;

  // the thread's own
  io::link link_;
  std::unique_ptr<lovage::redis::connection> connection_;
  bool was_idle_ = true;
  clock::time_point heard_, asked_;
};

}  // namespace lovage::backend::redis
