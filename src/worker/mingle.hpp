// A worker that starts asks the others what they know (wire-format 11.1).
#pragma once

#include "app/app_state.hpp"
#include "core/lamport.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace lovage::work {

/// The answer to another node's `hello`: what is revoked here, {id: [when, id]} with `when` a float, and the clock.
[[nodiscard]] value::map hello_payload(value::map revoked, std::int64_t clock);

struct mingling {
  std::string node;
  value::map revoked;                                 ///< what this node knows, as in hello_payload
  std::function<void(value const&)> on_revoked = {};  ///< what an answer has of these
  std::chrono::milliseconds wait{1'000};              ///< nobody knows how many will answer
  std::function<bool()> give_up = {};                 ///< asked now and then: wait no longer
};

/// Says hello, takes in the answers and goes beyond their clocks; how many answered. Does nothing (zero) where the
/// broker has no mailboxes. Errors: what the broker says.
[[nodiscard]] expected<std::size_t> mingle(detail::app_state& app, lamport_clock& clock, mingling const& with);

}  // namespace lovage::work
