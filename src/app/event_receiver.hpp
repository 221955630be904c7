// Hears events: what monitors, gossip and `lovage events` stand on.
#pragma once

#include "app/app_state.hpp"
#include "app/event_mail.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace lovage::detail {

/// *Threads*: `take` from one at a time, `interrupt` from any. *Lifetime*: not longer than the app's transport, which
/// it keeps.
///
///     auto heard = event_receiver::open(*app.state(), "worker.#", deadline::in(5s)).value();
///     for (auto const& e : heard->take(deadline::in(1s)).value()) ...
class event_receiver {
 public:
  /// `pattern` as `event_mail::monitor_queue` takes it. Errors: `not_supported` where the broker has no inboxes; what
  /// the broker says.
  [[nodiscard]] static expected<std::unique_ptr<event_receiver>> open(app_state& app, std::string const& pattern,
                                                                      deadline until);
  /// Waits for at least one; empty at the deadline or after `interrupt`. What cannot be read is logged and passed over.
  [[nodiscard]] expected<std::vector<wire::event>> take(deadline until);
  void interrupt() { from_->interrupt(); }
  /// How many could not be read. *Threads*: that of `take`.
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

 private:
  event_receiver(event_mail::settings with, std::shared_ptr<broker::transport> on, std::unique_ptr<broker::inbox> from)
      : with_{std::move(with)}, on_{std::move(on)}, from_{std::move(from)} {}

  event_mail::settings const with_;
  std::shared_ptr<broker::transport> const on_;
  std::unique_ptr<broker::inbox> const from_;
  std::uint64_t refused_ = 0;
};

}  // namespace lovage::detail
