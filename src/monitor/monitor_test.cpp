#include "monitor/monitor.hpp"

#include "store/database.hpp"
#include "store_place.hpp"

#include <gtest/gtest.h>

#include <future>

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
  monitor m{on, keeping_in(place)};
  auto started = std::async(std::launch::async, [&] { return m.start(); });
  EXPECT_EQ(started.wait_for(100ms), std::future_status::timeout);  // the broker is slow to say that it will send
  holds.commit();
  EXPECT_TRUE(started.get());
  m.stop();
}

}  // namespace
}  // namespace lovage::monitor
