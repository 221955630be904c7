// Which sending of a task is run here, where it may have been sent more than once (wire/once.hpp).
#pragma once

#include "backend/result_backend.hpp"
#include "worker/recent_calls.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <vector>

namespace lovage::work {

/// *Threads*: one.
class run_claims {
 public:
  /// Claims are known as long as results, and for a day at least.
  explicit run_claims(std::chrono::seconds result_expires);

  /// One answer for each: whether it is the sending that runs. `results` may be null. Where the backend keeps no claims
  /// that others see, what this worker has run lately decides; the log says so once. Errors: those of the backend, and
  /// then nothing may be run.
  [[nodiscard]] expected<std::vector<bool>> ask(backend::result_backend* results,
                                                std::span<backend::run_claim const> claims, deadline until);

 private:
  [[nodiscard]] bool ask_own(backend::run_claim const& c);

  std::chrono::seconds const keep_;
  std::optional<recent_calls> own_;  ///< ids that have run, and with which text
};

}  // namespace lovage::work
