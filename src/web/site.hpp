// What the handlers of all pages share.
#pragma once

#include "app/app_state.hpp"
#include "core/clock.hpp"
#include "monitor/monitor.hpp"
#include "web/gate.hpp"
#include "web/live.hpp"
#include "web/metrics_page.hpp"
#include "web/router.hpp"
#include "web/web_settings.hpp"

#include <lovage/app.hpp>
#include <lovage/beat.hpp>

#include <memory>
#include <mutex>
#include <string>

namespace lovage::web {

/// *Lifetime*: longer than the server. *Threads*: any.
struct site {
  site(app& a, monitor::monitor& m, web_settings const& w, now_fn n)
      : on{a}, eyes{m}, with{w}, now{n}, door{w, std::move(n)}, stream{m, w.mask_arguments} {}

  app& on;
  monitor::monitor& eyes;
  web_settings const& with;
  now_fn const now;
  gate door;
  live stream;
  metrics_page counted;

  /// Long enough for a search or a broker at work, short enough for whoever looks at a page.
  [[nodiscard]] static deadline soon() { return deadline::in(std::chrono::seconds{5}); }
  /// What the broker can do. Errors: as of the transport.
  [[nodiscard]] expected<broker::traits> abilities() const;
  [[nodiscard]] std::unique_ptr<broker::inspector> inspector() const;
  /// Opened at the first call. Throws as `periodic_tasks` does.
  [[nodiscard]] periodic_tasks& schedule();

 private:
  std::mutex mutex_;
  std::unique_ptr<periodic_tasks> schedule_;
};

/// 404.
[[nodiscard]] response unknown_task_response(std::string const& id);

// One per file of handlers.
void add_session_routes(router& to, site& s);
void add_overview_routes(router& to, site& s);
void add_health_routes(router& to, site& s);
void add_worker_routes(router& to, site& s);
void add_task_routes(router& to, site& s);
void add_workflow_routes(router& to, site& s);
void add_task_action_routes(router& to, site& s);
void add_queue_routes(router& to, site& s);
void add_dead_routes(router& to, site& s);
void add_schedule_routes(router& to, site& s);
void add_flower_worker_routes(router& to, site& s);
void add_flower_task_routes(router& to, site& s);
void add_flower_send_routes(router& to, site& s);

}  // namespace lovage::web
