#include "pool/prefork/child_life.hpp"

namespace lovage::pool {

/// The whole table in one place, hence longer than other functions.
child_actions child_life::step(child_input in) noexcept {
  child_actions out;
  auto const was = state_;
  switch (in) {
    case child_input::forked:
      if (was != child_state::absent) break;
      state_ = child_state::starting;
      bore_fruit_ = false;
      return out;
    case child_input::ready:
      if (was != child_state::starting) break;
      state_ = child_state::idle;
      out.offer = true;
      return out;
    case child_input::given:
      if (was != child_state::idle) break;
      state_ = child_state::busy;
      job_ = true;
      return out;
    case child_input::result:
      if (!job_) break;
      job_ = false;
      bore_fruit_ = true;
      out.finish = true;
      out.offer = was == child_state::busy;
      out.kill = was == child_state::signalled;  // or the signal would meet its next job
      state_ = was == child_state::busy ? child_state::idle : child_state::doomed;
      return out;
    case child_input::limit_passed:
      if (was != child_state::busy && was != child_state::signalled) return out;  // the result was quicker
      state_ = child_state::overrun;
      out.kill = true;
      return out;
    case child_input::signalled:
      if (was == child_state::busy) state_ = child_state::signalled;
      return out;
    case child_input::retired:
      out.leave = was == child_state::idle || was == child_state::starting;
      if (out.leave) state_ = child_state::leaving;
      return out;
    case child_input::broken:
      if (was == child_state::absent) return out;
      out.kill = true;
      if (was == child_state::starting || was == child_state::idle) state_ = child_state::doomed;
      return out;
    case child_input::died:
      out.end = job_ && was == child_state::signalled;
      out.lose = job_ && was != child_state::overrun && was != child_state::signalled;
      out.time_out = job_ && was == child_state::overrun;
      job_ = false;
      state_ = child_state::absent;
      return out;
  }
  out.fault = true;
  return out;
}

}  // namespace lovage::pool
