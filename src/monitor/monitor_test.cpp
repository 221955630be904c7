#include "monitor/monitor.hpp"

#include "store/database.hpp"
#include "store_place.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace lovage::monitor {
namespace {

using namespace std::chrono_literals;

monitor_settings keeping_in(testing::store_place const& place) {
  monitor_settings out;
  out.history_path = (place.directory() / "history.db").string();
  return out;
}

TEST(Monitor, HasStartedWhenItHears) {
  testing::store_place const place;
  app on{config{}.broker_url(place.url())};
  ASSERT_TRUE(on.state()->transport(deadline::in(10s)));  // makes the file
  store::database writer{place.file(), {}, deadline::in(10s)};
  store::transaction holds{writer};
  std::atomic<bool> let_go{false};
  std::thread later{[&] {
    std::this_thread::sleep_for(100ms);  // a broker that is slow to say that it will send events
    let_go = true;
    holds.commit();
  }};
  monitor m{on, keeping_in(place)};
  EXPECT_TRUE(m.start());
  EXPECT_TRUE(let_go);
  later.join();
  m.stop();
}

}  // namespace
}  // namespace lovage::monitor
