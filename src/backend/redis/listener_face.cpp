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

void listener::add(news& to, std::span<task_id const> ids) {
  std::lock_guard const lock{mutex_};
  watches_.insert(&to);
  for (auto const& id : ids)
    if (to.add(id)) awaited_.add(&to, id.str());
  if (!awaited_.has_orders()) return;
  poke();
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
}

void listener::remove(news& from, task_id const& id) {
  std::lock_guard const lock{mutex_};
  if (!from.remove(id)) return;
  awaited_.remove(&from, id.str());
  if (awaited_.has_orders()) poke();
}

void listener::leave(news& from) {
  std::lock_guard const lock{mutex_};
  watches_.erase(&from);
  from.each_watched([&](std::string const& id) { awaited_.remove(&from, id); });
  if (awaited_.has_orders()) poke();
}

void listener::interrupt(news& who) {
  std::lock_guard const lock{mutex_};
  who.interrupt();
}

expected<std::vector<result_record>> listener::next(news& of, deadline until) {
  std::unique_lock lock{mutex_};
  return of.next(lock, trouble_, until);
}

}  // namespace lovage::backend::redis
