#include "cli/dev_crew.hpp"

#include "cli/session.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

namespace lovage::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto patience = 10s, longest_pause = 10s, steady_life = 10s;
// Finish what runs, give it back, die.
constexpr std::array sharper_signals{SIGTERM, SIGQUIT, SIGKILL};

bool wrongly_called(io::ending const& how) { return WIFEXITED(how.status) && WEXITSTATUS(how.status) == exit_usage; }

}  // namespace

void dev_crew::add(std::string const& name, int color) {
  auto m = std::make_unique<member>();
  m->child = std::make_unique<dev_child>(loop_, name, color_ ? color : 0, [](std::string const& lines) {
    std::fputs(lines.c_str(), stdout);
    std::fflush(stdout);
  });
  members_.push_back(std::move(m));
}

void dev_crew::start(member& m) {
  m.later.cancel();
  m.patience.cancel();
  m.anew = false;
  m.told = 0;
  m.since = steady_clock::now();
  if (auto up = m.child->start(m.words, [this, &m](io::ending how) { ended(m, how); }); !up)
    say(m.child->name() + ": " + up.error().text());
}

void dev_crew::restart(std::vector<std::vector<std::string>> words) {
  if (ending()) return;
  for (std::size_t i = 0; i < members_.size() && i < words.size(); ++i) {
    auto& m = *members_[i];
    m.words = std::move(words[i]);
    m.pause = 0s;
    if (!m.child->running()) {
      start(m);
    } else if (!std::exchange(m.anew, true)) {
      tell_to_end(m);
    }
  }
}

void dev_crew::tell_to_end(member& m) {
  auto const at = std::min<std::size_t>(static_cast<std::size_t>(m.told++), sharper_signals.size() - 1);
  if (sharper_signals[at] == SIGQUIT) say(m.child->name() + " gives back what it runs");
  at + 1 < sharper_signals.size() ? m.child->signal(sharper_signals[at]) : m.child->signal_group(SIGKILL);
  if (!m.anew) return;
  m.patience = loop_.after(patience, [this, &m] { tell_to_end(m); });
}

void dev_crew::ended(member& m, io::ending how) {
  m.patience.cancel();
  if (ending()) return end_next();
  if (m.anew) return start(m);
  auto const head = m.child->name() + " ended by itself (" + how.text() + "); ";
  if (wrongly_called(how)) return say(head + "it is started again when something changes");
  bool const steady = steady_clock::now() - m.since > steady_life;
  m.pause = std::min<std::chrono::seconds>(steady || m.pause == 0s ? 1s : 2 * m.pause, longest_pause);
  say(head + "it is started again in " + std::to_string(m.pause.count()) + " s");
  m.later = loop_.after(m.pause, [this, &m] { start(m); });
}

void dev_crew::end(std::function<void()> done) {
  if (ending()) return;
  done_ = std::move(done);
  for (auto& m : members_) {
    m->later.cancel();
    m->patience.cancel();
    m->anew = false;
  }
  end_next();
}

void dev_crew::end_next() {
  auto const up = std::find_if(members_.begin(), members_.end(), [](auto const& m) { return m->child->running(); });
  if (up == members_.end()) return done_();
  if ((*up)->told == 0) tell_to_end(**up);
}

void dev_crew::sharper() {
  auto const up = std::find_if(members_.begin(), members_.end(), [](auto const& m) { return m->child->running(); });
  if (ending() && up != members_.end()) tell_to_end(**up);
}

}  // namespace lovage::cli
