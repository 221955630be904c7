#include "app/driver_settings.hpp"

namespace lovage::detail {

broker::settings broker_settings(config const& c, now_fn now) {
  auto out = broker::at(c.broker_url(), std::move(now));
  return out;
}

backend::settings backend_settings(config const& c, now_fn now) {
  auto out = backend::at(c.result_backend(), std::move(now));
  out.serializer = c.result_serializer();
  out.accept_content = c.accept_content();
  out.expires = std::chrono::duration_cast<std::chrono::seconds>(c.result_expires());
  return out;
}

}  // namespace lovage::detail
