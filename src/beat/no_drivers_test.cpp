// As the app's: beat's unit tests run without drivers.
#include "app/no_drivers_test.cpp"

#include "beat/schedule_store.hpp"

namespace lovage::beats {

expected<std::shared_ptr<schedule_store>> make_schedule_store(store_settings with, deadline) {
  return fail(errc::unavailable, "no driver in this test", with.connection.urls);
}

bool keeps_schedules(std::string_view) noexcept { return false; }

}  // namespace lovage::beats
