// The one connection over which all results of a backend are waited for, and its thread.
//
//   watch.add --> awaited --orders--> [thread] --SUBSCRIBE, UNSUBSCRIBE--> Redis
//   watch.next <-- inbox <--deliver-- [thread] <--messages, MGET----------
#pragma once

#include "backend/record_codec.hpp"
#include "backend/redis/awaited.hpp"
#include "backend/redis/keys.hpp"
#include "io/descriptor.hpp"
#include "redis/client.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>

namespace lovage::backend::redis {

/// What one watch has been told and has not looked at yet. Guarded by the listener's mutex.
struct inbox {
  struct told {
    std::optional<wire::result_record> shown;  ///< given out last, while it is not final
  };
  std::unordered_map<std::string, told> watched;
  std::unordered_map<std::string, wire::result_record> news;
  std::vector<error_info> faults;
  bool interrupted = false;
  std::condition_variable changed;
};

/// *Threads*: any. The thread starts with the first watched id and ends with the listener, whose destructor waits for
/// it: at most one attempt to connect (`connect_timeout`) or one read of a server that does not answer. Nothing is said
/// to the server while nobody waits.
class listener {
 public:
  listener(std::shared_ptr<lovage::redis::client> reads, record_codec codec, key_names names);
  ~listener();
  listener(listener const&) = delete;
  listener& operator=(listener const&) = delete;

  void add(inbox& to, std::span<task_id const> ids);
  void remove(inbox& from, task_id const& id);
  void leave(inbox& from);
  void interrupt(inbox& who);
  [[nodiscard]] expected<std::vector<wire::result_record>> next(inbox& of, deadline until);

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
  void deliver(hearing&& heard);
  void deliver_one(finding&& f);
  void poke();

  std::shared_ptr<lovage::redis::client> const reads_;
  record_codec const codec_;
  key_names const names_;
  std::chrono::milliseconds const heartbeat_;
  io::descriptor wake_;

  std::mutex mutex_;  // guards what follows
  awaited awaited_;
  std::unordered_set<inbox*> inboxes_;
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
