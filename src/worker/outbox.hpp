// What the worker owes the world, kept until it is done: messages out, results stored, parts of chords counted, and the
// bodies that this completes sent, deliveries settled, in this order. Nothing is dropped while broker or backend are
// away, and one message that nobody takes holds up no other task.
#pragma once

#include "backend/result_backend.hpp"
#include "broker/transport.hpp"
#include "core/clock.hpp"
#include "execute/request.hpp"
#include "worker/delivery_book.hpp"
#include "worker/fault_log.hpp"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace lovage::work {

/// What a worker talks to.
struct connections {
  std::shared_ptr<broker::producer> producer;
  std::shared_ptr<backend::result_backend> results;  ///< null: results are not kept
  std::unique_ptr<broker::consumer> source;
  bool exchanges = false;  ///< `broker::traits::exchanges`
};

/// *Threads*: one.
class outbox {
 public:
  using clock = std::chrono::steady_clock;

  /// Who tells monitors; must not wait.
  using teller = std::function<void(std::vector<wire::event>&&)>;

  /// What follows from a chord whose parts are all in; null when nobody knows which came last.
  using concluder = std::function<void(backend::chord_end&&, execute::ended_part const*, execute::effects&)>;

  outbox(delivery_book& book, now_fn now, std::chrono::seconds result_expires, concluder conclude = {},
         teller tell = {})
      : book_{book},
        now_{std::move(now)},
        expires_{result_expires},
        conclude_{std::move(conclude)},
        tell_{std::move(tell)} {}

  void attach(connections const& to) { to_ = &to; }

  /// Where conclusions are added.
  [[nodiscard]] execute::effects& pending() noexcept { return pending_; }
  [[nodiscard]] bool empty() const noexcept { return pending_.empty() && held_up_.empty(); }
  /// Tasks that wait because nobody takes a message of theirs.
  [[nodiscard]] std::size_t held_up() const noexcept { return held_up_.size(); }

  /// Does what can be done, each step within `step`. False when broker or backend failed: the rest is kept, and
  /// `faults().wait()` later is time to try again.
  [[nodiscard]] bool flush(std::chrono::milliseconds step, clock::time_point now);
  /// Now and then, looks for chords whose last step has died with its worker, and takes them over.
  void adopt_chords(std::chrono::milliseconds step, clock::time_point now);
  [[nodiscard]] fault_log const& faults() const noexcept { return faults_; }

 private:
  struct held {
    execute::sequel what;
    int attempts = 0;
    clock::time_point next{};
  };

  [[nodiscard]] bool send(bool after_records, deadline until, clock::time_point now);
  [[nodiscard]] expected<void> announce(execute::chord_news const& chords, deadline until);
  [[nodiscard]] expected<void> announce_all(std::span<execute::sequel> what, deadline until);
  [[nodiscard]] expected<void> publish_one(execute::sequel& what, deadline until);
  [[nodiscard]] expected<void> publish_all(std::span<execute::sequel> what, deadline until);
  void send_one_by_one(std::vector<execute::sequel>&& what, deadline until, clock::time_point now);
  void send_held_up(deadline until, clock::time_point now);
  void try_alone(held&& h, deadline until, clock::time_point now);
  void sent(execute::sequel&& s);
  void refused(execute::sequel&& s, error_info const& why);
  [[nodiscard]] bool store(deadline until, clock::time_point now);
  [[nodiscard]] expected<void> store_one_by_one(deadline until);
  [[nodiscard]] bool count(deadline until, clock::time_point now);
  [[nodiscard]] expected<void> count_all(std::span<execute::ended_part> parts, deadline until);
  [[nodiscard]] expected<void> count_one_by_one(std::vector<execute::ended_part>& parts, deadline until);
  [[nodiscard]] bool fetch_bodies(deadline until, clock::time_point now);
  void end_chords(deadline until);
  void drop_what_ran(std::vector<broker::outgoing>& messages, deadline until);
  [[nodiscard]] bool owes_more() const noexcept;
  static void mark_as_copies(std::vector<broker::outgoing>& messages);
  [[nodiscard]] static bool may_pass(errc code);
  [[nodiscard]] bool settle(deadline until, clock::time_point now);
  void tell();
  void failed(char const* what, error_info const& why, clock::time_point now);

  delivery_book& book_;
  now_fn const now_;
  std::chrono::seconds const expires_;
  concluder const conclude_;
  teller const tell_;
  connections const* to_ = nullptr;
  execute::effects pending_;
  std::vector<held> held_up_;
  fault_log faults_, held_up_faults_, adoption_faults_;
  clock::time_point next_adoption_{};
};

}  // namespace lovage::work
