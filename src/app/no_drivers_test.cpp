// The app's unit tests run without drivers and without execution: whoever sends is told so.
#include "app/app_state.hpp"

namespace lovage {

expected<std::shared_ptr<broker::transport>> drivers::make_transport(broker::settings with, deadline) {
  return fail(errc::unavailable, "no driver in this test", with.connection.urls);
}

expected<std::shared_ptr<backend::result_backend>> drivers::make_backend(backend::settings with, deadline) {
  return fail(errc::unavailable, "no driver in this test", with.connection.urls);
}

expected<void> detail::run_eagerly(app_state&, wire::task_message) {
  return fail(errc::not_supported, "nothing is executed in this test");
}

expected<void> detail::run_eagerly(app_state&, std::vector<broker::outgoing>) {
  return fail(errc::not_supported, "nothing is executed in this test");
}

}  // namespace lovage
