// The life of one place in the prefork pool, as a table: no clock, no process, no descriptor inside.
//
//              forked          ready           given           result
//     absent ---------> starting -------> idle --------> busy ---------> idle
//        ^                 |               |              |  limit_passed
//        |   died          v               v              v
//        +-------------------------------------------- overrun --result--> doomed
//        |                                              |
//        +---- leaving <--retired-- starting, idle     signalled (busy --signalled-->) --result--> doomed
//
// The pool learns of a death from the fork server alone, which reaps; a closed channel only makes it send SIGKILL,
// since a child that closed it can do nothing useful any more.
#pragma once

#include <cstdint>

namespace lovage::pool {

enum class child_state : std::uint8_t {
  absent,    ///< none, or asked for
  starting,  ///< has a pid, has not said that it is ready
  idle,
  busy,
  leaving,    ///< its channel was closed so that it goes
  signalled,  ///< a signal that shall end its job is on its way
  overrun,    ///< its job passed the hard limit: SIGKILL is on its way
  doomed,     ///< SIGKILL is on its way and no job is concerned
};

enum class child_input : std::uint8_t {
  forked,
  ready,
  given,         ///< a job was written to it
  result,        ///< the job's end arrived
  limit_passed,  ///< the job's hard limit
  signalled,     ///< a signal was sent to end its job
  retired,       ///< it is not needed any more
  broken,        ///< it closed its end, or wrote what is no frame
  died,          ///< reaped; everything it wrote before was read
};

/// What the pool has to do about a step; several at once.
struct child_actions {
  bool finish = false;    ///< report `finished`
  bool lose = false;      ///< report `lost`
  bool time_out = false;  ///< report `timed_out`
  bool end = false;       ///< report `terminated`
  bool leave = false;     ///< close its channel
  bool kill = false;      ///< have the fork server send SIGKILL
  bool offer = false;     ///< it is free for a job
  bool fault = false;     ///< the input makes no sense here: treat the child as broken
};

class child_life {
 public:
  [[nodiscard]] child_state state() const noexcept { return state_; }
  [[nodiscard]] bool has_job() const noexcept { return job_; }
  /// Died without finishing a single job: what the restart brake counts.
  [[nodiscard]] bool fruitless() const noexcept { return !bore_fruit_; }
  child_actions step(child_input in) noexcept;

 private:
  child_state state_ = child_state::absent;
  bool job_ = false, bore_fruit_ = false;
};

}  // namespace lovage::pool
