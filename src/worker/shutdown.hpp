// The ladder of shutdown as a pure step.
//
//   running --TERM, INT--> warm --INT, QUIT--> soft --INT, QUIT--> cold --INT, QUIT--> hard
//
// The soft phase exists where `worker_soft_shutdown_timeout` allows one; QUIT enters at soft, or at cold.
#pragma once

namespace lovage::work {

enum class stop_event {
  term,
  interrupt,
  quit,
  hangup,     ///< reload: a warm shutdown, after which the program is started anew
  asked,      ///< `worker::stop`, the control command `shutdown`
  asked_now,  ///< `worker::stop_now`
  dump,       ///< SIGUSR1, stops nothing: it asks where running tasks stand
};
enum class stop_phase {
  running,
  warm,  ///< what runs is finished, however long it takes; the rest is given back
  soft,  ///< the same, for so long
  cold,  ///< what runs is killed and given back
  hard,  ///< ends at once; what it held is delivered again when its leases end
};

struct stop_state {
  stop_phase phase = stop_phase::running;
  bool interrupted = false;  ///< SIGINT was seen: the exit code is 1
  bool quit = false;         ///< it was not only asked to finish: the exit code is 1
  bool reload = false;
};

/// One rung down, whatever was asked for softly before.
[[nodiscard]] constexpr stop_phase sharper(stop_phase p, bool soft_first) noexcept {
  switch (p) {
    case stop_phase::running:
    case stop_phase::warm: return soft_first ? stop_phase::soft : stop_phase::cold;
    case stop_phase::soft: return stop_phase::cold;
    default: return stop_phase::hard;
  }
}

/// More TERMs change nothing; a second INT, or QUIT, goes one rung down. Who reloads and is told to end, ends.
[[nodiscard]] constexpr stop_state step(stop_state s, stop_event e, bool soft_first = false) noexcept {
  switch (e) {
    case stop_event::hangup:
      if (s.phase == stop_phase::running) s.phase = stop_phase::warm, s.reload = true;
      break;
    case stop_event::term:
    case stop_event::asked:
      s.reload = false;
      if (s.phase == stop_phase::running) s.phase = stop_phase::warm;
      break;
    case stop_event::interrupt:
      s.reload = false;
      if (s.phase == stop_phase::running)
        s.phase = stop_phase::warm;
      else if (s.interrupted || s.phase > stop_phase::warm)
        s.phase = sharper(s.phase, soft_first), s.quit = true;
      s.interrupted = true;
      break;
    case stop_event::dump: break;
    case stop_event::quit: s.phase = sharper(s.phase, soft_first), s.quit = true, s.reload = false; break;
    case stop_event::asked_now:
      s.reload = false;
      if (s.phase < stop_phase::cold) s.phase = stop_phase::cold;
      s.quit = true;
      break;
  }
  return s;
}

/// 0 after a warm shutdown by TERM or by call; 1 after INT, QUIT or a sharper one (as Celery's).
[[nodiscard]] constexpr int exit_code(stop_state s) noexcept { return s.interrupted || s.quit ? 1 : 0; }

}  // namespace lovage::work
