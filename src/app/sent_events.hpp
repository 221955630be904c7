// "task-sent" (wire-format 9.4): what a sender tells monitors, with setting `task_send_sent_event`.
#pragma once

#include "app/app_state.hpp"
#include "wire/event.hpp"

#include <vector>

namespace lovage::detail {

/// Gathers while calls are made into messages, and sends once the broker has them. A broker that does not take the
/// events costs a warning. *Threads*: one.
class sent_events {
 public:
  explicit sent_events(app_state& app) : app_{app}, on_{app.publishing.sent_events} {}

  void note(wire::task_message const& message, destination const& to);
  void send(broker::producer& over, broker::traits const& on);

 private:
  app_state& app_;
  bool const on_;
  std::vector<wire::event> noted_;
};

}  // namespace lovage::detail
