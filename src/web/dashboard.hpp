// The dashboard as one object: monitor, HTTP server, pages.
#pragma once

#include "monitor/monitor.hpp"
#include "web/router.hpp"
#include "web/web_settings.hpp"

#include <lovage/app.hpp>
#include <lovage/expected.hpp>

#include <memory>
#include <span>
#include <string>

namespace lovage::web {

///     web::dashboard d{app, web::web_settings::of(app.settings()).value(),
///     monitor::monitor_settings::of(...).value()}; d.start().value(); std::cout << d.url();
///
/// *Threads*: `start` and `stop` from one; `stop` may come first and may come twice. *Lifetime*: the app outlives it.
class dashboard {
 public:
  dashboard(app& on, web_settings with, monitor::monitor_settings watch);
  /// Stops.
  ~dashboard();
  dashboard(dashboard const&) = delete;
  dashboard& operator=(dashboard const&) = delete;

  /// Errors: as of `server::listen` and `monitor::start`.
  [[nodiscard]] expected<void> start();
  void stop();
  /// "http://127.0.0.1:5555". Requires `start`.
  [[nodiscard]] std::string url() const;
  [[nodiscard]] monitor::monitor& eyes() noexcept;
  /// What a request gets, without a socket. *Threads*: any.
  [[nodiscard]] response answer(request r);
  [[nodiscard]] std::span<route const> routes() const noexcept;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace lovage::web
