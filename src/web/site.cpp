#include "web/site.hpp"

namespace lovage::web {

expected<broker::traits> site::abilities() const {
  auto const transport = on.state()->transport(soon());
  if (!transport) return fail(transport.error());
  return (*transport)->abilities();
}

std::unique_ptr<broker::inspector> site::inspector() const {
  return on.state()->transport(soon()).value()->make_inspector(soon()).value();
}

periodic_tasks& site::schedule() {
  std::lock_guard const lock{mutex_};
  if (!schedule_) schedule_ = std::make_unique<periodic_tasks>(on);
  return *schedule_;
}

response unknown_task_response(std::string const& id) {
  return error_response(404, "not_found",
                        "nothing is known of this task: no event of it was seen, or it is older than the history; "
                        "do workers send events (lovage worker -E)?",
                        id);
}

}  // namespace lovage::web
