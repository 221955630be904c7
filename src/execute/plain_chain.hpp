// The chain as nearly all are: tasks one after the other, with ids and queues for options and nothing else. It needs no
// tree of containers to find the next step, nor to know that each can be sent.
#pragma once

#include "execute/workflow_calls.hpp"

namespace lovage::execute {

/// Whether this signature can be sent as it stands, by what is said above.
[[nodiscard]] bool is_plain_step(value const& signature, policy const& with);
/// `reversed`: what is left of a chain, as messages carry it. True: each of its steps can be sent as it stands.
[[nodiscard]] bool is_plain_chain(value::list const& reversed, policy const& with);

/// The next step, with the rest in its message. *Requires*: `is_plain_chain`, and not empty. Errors: `encode`.
[[nodiscard]] expected<void> add_plain_step(value::list const& reversed, value const& result,
                                            detail::workflow_place const& place, policy const& with, time_point now,
                                            follow_up& out);

}  // namespace lovage::execute
