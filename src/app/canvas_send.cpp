#include "app/canvas_send.hpp"

namespace lovage::detail {

expected<wire::result_tuple> send_canvas(app_state&, wire::signature workflow, deadline, canvas_progress const&) {
  return fail(errc::not_supported, "workflows are not sent yet", workflow.task);
}

}  // namespace lovage::detail
