// The ladder of shutdown as a pure step: TERM and the first INT are warm, QUIT and the second INT are cold.
#pragma once

namespace lovage::work {

/// `dump` (SIGUSR1) stops nothing: it asks where running tasks stand.
enum class stop_event { term, interrupt, quit, asked, asked_now, dump };
enum class stop_phase { running, warm, cold };

struct stop_state {
  stop_phase phase = stop_phase::running;
  bool interrupted = false;  ///< SIGINT was seen: the exit code is 1
};

/// More TERMs change nothing; a second INT, or QUIT, makes it cold.
[[nodiscard]] constexpr stop_state step(stop_state s, stop_event e) noexcept {
  switch (e) {
    case stop_event::term:
    case stop_event::asked:
      if (s.phase == stop_phase::running) s.phase = stop_phase::warm;
      break;
    case stop_event::interrupt:
      s.phase = s.phase == stop_phase::running ? stop_phase::warm : s.interrupted ? stop_phase::cold : s.phase;
      s.interrupted = true;
      break;
    case stop_event::dump: break;
    case stop_event::quit:
    case stop_event::asked_now: s.phase = stop_phase::cold; break;
  }
  return s;
}

/// 0 after a warm shutdown by TERM or by call; 1 after INT or a cold one (as Celery's).
[[nodiscard]] constexpr int exit_code(stop_state s) noexcept {
  return s.interrupted || s.phase == stop_phase::cold ? 1 : 0;
}

}  // namespace lovage::work
