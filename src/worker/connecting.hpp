// How a worker finds broker and backend at its start: again and again, in Celery's words.
#pragma once

#include "app/app_state.hpp"
#include "worker/outbox.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::work {

/// Whether waiting can help: not with a setting that cannot be.
[[nodiscard]] bool worth_a_retry(errc code) noexcept;

/// The waits between attempts: 2 s, 4 s, 6 s, 8 s, and 8 s from then on.
class connect_schedule {
 public:
  /// `most` further attempts after the first; nothing: for ever.
  explicit connect_schedule(std::optional<int> most) : most_{most} {}

  /// After a failure: how long to wait; nothing when it is time to give up.
  [[nodiscard]] std::optional<std::chrono::seconds> next();
  /// "consumer: Cannot connect to amqp://localhost//: refused.\nTrying again in 2.00 seconds... (1/100)"
  [[nodiscard]] std::string text(std::string_view url, error_info const& why, std::chrono::seconds wait) const;

 private:
  std::optional<int> const most_;
  int failed_ = 0;
};

/// Both connections, or which one failed.
struct connect_attempt {
  expected<connections> made;
  std::string url;  ///< masked, of the one that failed
};
[[nodiscard]] connect_attempt connect(detail::app_state& app, broker::consumer_options const& options, deadline until);

}  // namespace lovage::work
