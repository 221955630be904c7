// Connections to one database, lent to threads.
#pragma once

#include "sql/session.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

namespace lovage::sql {

/// Keeps what comes back alive and opens another where all are lent, up to `most` (of a SQLite file: one); then those
/// who ask wait in turn. *Requires*: nobody asks for a second one while it holds one. *Threads*: any.
/// *Lifetime*: a lease may outlive the pool.
class session_pool {
 public:
  using opener = std::function<expected<std::unique_ptr<session>>(deadline)>;
  static constexpr std::size_t usual_most = 8;

  /// Connects when the first is lent.
  session_pool(opener open, dialect kind, std::size_t most = usual_most);
  /// *On failure*: `bad_config` for an address that names no database.
  [[nodiscard]] static expected<std::shared_ptr<session_pool>> make(std::string url, std::size_t most = usual_most);

  [[nodiscard]] dialect kind() const noexcept { return kind_; }

  class lease;
  /// *On failure*: as `open`; `timeout` when none came back in time.
  [[nodiscard]] expected<lease> lend(deadline until);

  /// `f(session&)`, and again with another connection as long as the server cannot be reached (a pause grows from 20
  /// ms to a second between tries) or a transaction is to be run again, until the deadline: what `f` does must be the
  /// same done twice.
  template <class F>
  auto run(deadline until, F&& f) -> std::invoke_result_t<F&, session&>;
  /// The same in a transaction.
  template <class F>
  auto run_in_transaction(deadline until, F&& f) -> std::invoke_result_t<F&, session&> {
    return run(until, [&](session& on) { return in_transaction(on, until, [&] { return f(on); }); });
  }

 private:
  struct shelf;
  [[nodiscard]] static bool is_passing(error_info const& why) noexcept {
    return why.code == errc::unavailable || why.code == errc::conflict;
  }
  [[nodiscard]] static bool wait_in_queue(shelf& of, std::unique_lock<std::mutex>& lock, deadline until);
  /// False at the deadline.
  [[nodiscard]] static bool pause(int tries, deadline until);

  dialect const kind_;
  std::shared_ptr<shelf> const shelf_;
};

/// Goes back when it ends; a dead one is closed, and with it all that lie idle: a server that was restarted has lost
/// them too.
class session_pool::lease {
 public:
  lease(lease&&) noexcept = default;
  lease& operator=(lease&&) = delete;
  ~lease();
  session& operator*() const noexcept { return *on_; }
  session* operator->() const noexcept { return on_.get(); }

 private:
  friend class session_pool;
  lease(std::unique_ptr<session> on, std::shared_ptr<shelf> to) : on_{std::move(on)}, to_{std::move(to)} {}
  std::unique_ptr<session> on_;
  std::shared_ptr<shelf> to_;
};

template <class F>
auto session_pool::run(deadline until, F&& f) -> std::invoke_result_t<F&, session&> {
  for (int tries = 0;; ++tries) {
    error_info why;
    {
      auto on = lend(until);
      if (on) {
        auto out = f(**on);
        if (out || !is_passing(out.error())) return out;
        why = out.error();
      } else {
        why = on.error();
      }
    }
    if (!is_passing(why) || !pause(tries, until)) return fail(std::move(why));
  }
}

}  // namespace lovage::sql
