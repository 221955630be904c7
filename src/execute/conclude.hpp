// From how a run ended to what is stored, sent and acknowledged. Pure: no clock, no socket, no thread.
#pragma once

#include "app/invoke.hpp"
#include "execute/request.hpp"

#include <chrono>
#include <string>

namespace lovage::execute {

/// The body returned, threw, asked for a retry, to be ignored or rejected.
void conclude(request const& r, outcome const& end, policy const& with, time_point now,
              std::chrono::nanoseconds runtime, effects& out);
/// The process that ran it died: given to another one until the delivery limit, then WorkerLostError.
void conclude_lost(request const& r, std::string const& reason, policy const& with, time_point now, effects& out);
/// Its hard time limit passed and its child was killed.
void conclude_timed_out(request const& r, policy const& with, time_point now, effects& out);
/// It was ended on demand: REVOKED, whatever its options say about lost workers.
void conclude_terminated(request const& r, std::string const& reason, policy const& with, time_point now, effects& out);
/// A slot took it: STARTED where that is tracked.
void conclude_started(request const& r, int pid, policy const& with, time_point now, effects& out);
/// It stored a state of its own.
void conclude_state(request& r, std::string_view state, value meta, policy const& with, effects& out);

}  // namespace lovage::execute
