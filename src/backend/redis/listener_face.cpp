// The side of the listener that watches call.
#include "backend/redis/listener.hpp"

#include <sys/eventfd.h>

namespace lovage::backend::redis {

using wire::result_record;

listener::listener(std::shared_ptr<lovage::redis::client> reads, record_codec codec, key_names names)
    : reads_{std::move(reads)},
      codec_{std::move(codec)},
      names_{std::move(names)},
      heartbeat_{reads_->settings().heartbeat},
      wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      link_{reads_->make_link()} {}

listener::~listener() {
  {
    std::lock_guard const lock{mutex_};
    stop_ = true;
    poke();
  }
  if (thread_.joinable()) thread_.join();
}

/// Requires the lock.
void listener::poke() {
  if (!std::exchange(poked_, true)) ::eventfd_write(wake_.get(), 1);
}

void listener::add(inbox& to, std::span<task_id const> ids) {
  std::lock_guard const lock{mutex_};
  inboxes_.insert(&to);
  for (auto const& id : ids)
    if (to.watched.try_emplace(id.str()).second) awaited_.add(&to, id.str());
  if (!awaited_.has_orders()) return;
  poke();
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
}

void listener::remove(inbox& from, task_id const& id) {
  std::lock_guard const lock{mutex_};
  from.news.erase(id.str());
  if (from.watched.erase(id.str()) == 0) return;
  awaited_.remove(&from, id.str());
  if (awaited_.has_orders()) poke();
}

void listener::leave(inbox& from) {
  std::lock_guard const lock{mutex_};
  inboxes_.erase(&from);
  for (auto const& [id, told] : from.watched) awaited_.remove(&from, id);
  if (awaited_.has_orders()) poke();
}

void listener::interrupt(inbox& who) {
  std::lock_guard const lock{mutex_};
  who.interrupted = true;
  who.changed.notify_all();
}

expected<std::vector<result_record>> listener::next(inbox& of, deadline until) {
  std::vector<result_record> out;
  std::unique_lock lock{mutex_};
  for (;;) {
    for (auto& [id, record] : of.news) out.push_back(std::move(record));
    of.news.clear();
    if (!out.empty()) return out;
    if (!of.faults.empty()) {
      auto why = std::move(of.faults.back());
      of.faults.pop_back();
      return fail(std::move(why));
    }
    if (std::exchange(of.interrupted, false) || of.watched.empty()) return out;
    if (trouble_ && (trouble_->code == errc::bad_config || until.passed())) return fail(*trouble_);
    if (until.passed()) return out;
    if (until.is_never()) {
      of.changed.wait(lock);
    } else {
      of.changed.wait_until(lock, until.when());
    }
  }
}

}  // namespace lovage::backend::redis
