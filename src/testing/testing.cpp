#include <lovage/testing.hpp>

#include "app/app_state.hpp"
#include "core/ids.hpp"

#include <algorithm>
#include <mutex>
#include <thread>

namespace lovage::testing {

app memory_app(config settings) {
  auto const url = "memory://" + random_uuid().str();
  settings.broker_url(url).result_backend(url);
  return app{settings.set("broker_read_url", nullptr).set("broker_write_url", nullptr)};
}

app eager_app(bool propagate) { return memory_app(config{}.task_always_eager(true).task_eager_propagates(propagate)); }

struct background_worker::impl {
  impl(app& on, int concurrency)
      : runs{on, worker_options{}.pool(pool_kind::threads).concurrency(concurrency).handle_signals(false)},
        thread{[this] { runs.run(); }} {
    runs.wait_ready(deadline::never());
  }
  ~impl() {
    runs.stop();
    thread.join();
  }
  worker runs;
  std::thread thread;
};

background_worker::background_worker(app& on, int concurrency) : impl_{std::make_unique<impl>(on, concurrency)} {}
background_worker::~background_worker() = default;

namespace {

struct held_time {
  std::mutex mutex;
  time_point now = system_now();
};

held_time& the_time() {
  static held_time t;
  return t;
}

}  // namespace

fake_clock::fake_clock() {
  the_time().now = system_now();
  detail::set_default_clock([] {
    std::lock_guard const lock{the_time().mutex};
    return the_time().now;
  });
}

fake_clock::~fake_clock() { detail::set_default_clock({}); }

time_point fake_clock::now() const {
  std::lock_guard const lock{the_time().mutex};
  return the_time().now;
}

void fake_clock::advance(std::chrono::microseconds by) {
  {
    std::lock_guard const lock{the_time().mutex};
    the_time().now += by;
  }
  detail::clock_advanced();
}

}  // namespace lovage::testing
