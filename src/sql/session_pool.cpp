#include "sql/session_pool.hpp"

#include "sql/open.hpp"

#include <algorithm>
#include <deque>
#include <thread>

namespace lovage::sql {

using namespace std::chrono_literals;

struct session_pool::shelf {
  opener open;
  std::size_t const most;
  std::mutex mutex;
  std::condition_variable returned;
  std::deque<char const*> queue;  // who waits, by an address of its own, the first come in front
  std::vector<std::unique_ptr<session>> idle;
  std::size_t lent = 0;
};

session_pool::session_pool(opener open, dialect kind, std::size_t most)
    : kind_{kind}, shelf_{std::make_shared<shelf>(std::move(open), std::max<std::size_t>(most, 1))} {}

expected<std::shared_ptr<session_pool>> session_pool::make(std::string url, std::size_t most) {
  auto const kind = dialect_of(url);
  if (!kind) return fail(kind.error());
  // A file has one writer at a time, and SQLite lets them wait in no order: here they do.
  if (*kind == dialect::sqlite) most = 1;
  return std::make_shared<session_pool>([url = std::move(url)](deadline until) { return sql::open(url, until); }, *kind,
                                        most);
}

// In turn: whoever gives one back and asks again at once would else have it again before those who sleep.
bool session_pool::wait_in_queue(shelf& of, std::unique_lock<std::mutex>& lock, deadline until) {
  char const self = 0;
  of.queue.push_back(&self);
  auto const my_turn = [&] { return of.lent < of.most && of.queue.front() == &self; };
  bool const come =
      until.is_never() ? (of.returned.wait(lock, my_turn), true) : of.returned.wait_until(lock, until.when(), my_turn);
  std::erase(of.queue, &self);
  of.returned.notify_all();
  return come;
}

expected<session_pool::lease> session_pool::lend(deadline until) {
  std::unique_lock lock{shelf_->mutex};
  if (!wait_in_queue(*shelf_, lock, until))
    return fail(errc::timeout, "all connections to the database are in use (" + std::to_string(shelf_->most) + ")");
  ++shelf_->lent;
  if (!shelf_->idle.empty()) {
    auto on = std::move(shelf_->idle.back());
    shelf_->idle.pop_back();
    return lease{std::move(on), shelf_};
  }
  lock.unlock();
  auto made = shelf_->open(until);
  if (made) return lease{*std::move(made), shelf_};
  lock.lock();
  --shelf_->lent;
  shelf_->returned.notify_all();
  return fail(made.error());
}

session_pool::lease::~lease() {
  if (!on_) return;  // moved from
  std::vector<std::unique_ptr<session>> gone;
  {
    std::lock_guard const lock{to_->mutex};
    --to_->lent;
    if (on_->alive()) {
      to_->idle.push_back(std::move(on_));
    } else {
      gone.swap(to_->idle);
    }
  }
  to_->returned.notify_all();
}

bool session_pool::pause(int tries, deadline until) {
  auto const wait = std::min<std::chrono::milliseconds>(20ms * (1 << std::min(tries, 6)), 1s);
  auto const last = until.is_never() ? std::chrono::steady_clock::time_point::max() : until.when();
  auto const end = std::chrono::steady_clock::now() + wait;
  if (end >= last) return false;
  std::this_thread::sleep_until(end);
  return true;
}

}  // namespace lovage::sql
