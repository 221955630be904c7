// Children as the io thread of the prefork pool sees them.
#include "core/log.hpp"
#include "pool/prefork/prefork_pool.hpp"
#include "pool/stack_dump.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <utility>

namespace lovage::pool {
namespace {

/// Between the hard limit and SIGKILL, for the stack.
constexpr std::chrono::milliseconds dump_within{20};

}  // namespace

void prefork_pool::watch_child(std::uint32_t slot, bool writable, bool add) {
  watch(places_[slot].socket.get(), slot, writable ? EPOLLIN | EPOLLOUT : EPOLLIN, add);
}

bool prefork_pool::wants_children() const {
  if (server_ != server_state::ready || missing_ == 0 || phase_ > phase::running) return false;
  return std::any_of(places_.begin(), places_.end(),
                     [](place const& p) { return p.wanted && p.life.state() == child_state::absent && !p.asked; });
}

void prefork_pool::request_children() {
  for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
    auto& p = places_[slot];
    if (!p.wanted || p.life.state() != child_state::absent || p.asked) continue;
    p.asked = true;
    tell(control_kind::fork, slot, 0);
  }
}

void prefork_pool::on_forked(control_message const& m, io::descriptor&& socket) {
  auto& p = places_[m.slot];
  p.asked = p.closed = p.killed = p.retired = false;
  p.done = 0;
  p.pid = m.pid;
  p.socket = std::move(socket);
  p.in.reset();
  p.out.reset();
  act(m.slot, p.life.step(child_input::forked));
  if (phase_ >= phase::ending) return p.socket.reset();
  if (!p.wanted) return leave(m.slot);  // the pool became smaller meanwhile
  watch_child(m.slot, false, true);
}

void prefork_pool::act(std::uint32_t slot, child_actions what) {
  auto& p = places_[slot];
  if (what.fault) what = p.life.step(child_input::broken);
  if (what.kill && !p.killed) {
    p.killed = true;
    tell(control_kind::kill, slot, p.pid, SIGKILL);
  }
  if (what.offer) offer(slot);
}

/// Requires that the place's job has just ended, one way or another.
void prefork_pool::settle(std::uint32_t slot) {
  places_[slot].limit = places_[slot].overdue = time_point::max();
  places_[slot].dumped = false;
  if (--busy_ == 0) changed_.notify_all();
}

void prefork_pool::flush_child(std::uint32_t slot) {
  auto& p = places_[slot];
  if (!p.socket || p.closed || !p.out.pending()) return;
  if (p.out.flush(p.socket.get(), MSG_DONTWAIT) != frame_writer::status::blocked) watch_child(slot, false, false);
}

/// Takes what there is. False when nothing more will come.
bool prefork_pool::read_child(std::uint32_t slot) {
  using status = frame_reader::status;
  auto& p = places_[slot];
  if (!p.socket || p.closed) return false;
  auto got = status::more;
  while (got == status::more) {
    got = p.in.read_some(p.socket.get(), MSG_DONTWAIT, [&](frame_head const& head, std::string&& payload) {
      on_frame(slot, head, std::move(payload));
    });
  }
  if (got == status::empty) return true;
  p.closed = true;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, p.socket.get(), nullptr);
  if (got == status::garbage) {
    act(slot, p.life.step(child_input::broken));
  } else {  // most likely it is dead, and how it died is about to be reported: do not blur that by a signal of ours
    p.silent_until = clock::now() + std::chrono::milliseconds{250};
    next_limit_ = std::min(next_limit_, p.silent_until);
  }
  return false;
}

void prefork_pool::on_frame(std::uint32_t slot, frame_head const& head, std::string&& payload) {
  auto& p = places_[slot];
  if (head.kind == frame_kind::ready) {
    if (!std::exchange(p.ready, true) && p.wanted) --missing_;
    act(slot, p.life.step(child_input::ready));
    hand_over(slot);
    if (missing_ > 0 || phase_ != phase::starting) return;
    phase_ = phase::running;
    server_due_ = time_point::max();
    started_ = expected<void>{};
    return changed_.notify_all();
  }
  if (!p.life.has_job() || head.id != p.job) return act(slot, p.life.step(child_input::broken));
  if (head.kind == frame_kind::message) return note(event_kind::message, slot, std::move(payload), {});
  bool const threw = head.kind == frame_kind::threw;
  if (threw) {
    log::critical("pool: a job's runner threw; " + payload);
    note(event_kind::lost, slot, {}, std::move(payload));
  } else {
    note(event_kind::finished, slot, std::move(payload), {});
  }
  events_.back().runtime = std::chrono::nanoseconds{head.number};
  settle(slot);
  ++p.done;
  consider_replacing(slot, true);
  act(slot, p.life.step(child_input::result));
}

namespace {

std::string reason_of(io::ending how, bool with_server, bool by_us) {
  if (with_server) return "the fork server died: " + how.text();
  if (!how.by_signal(SIGKILL)) return how.text();
  return how.text() + (by_us ? ": it had closed its channel to the worker" : ": out of memory?");
}

}  // namespace

/// Its job, if it had one, ended with it.
void prefork_pool::report_end(std::uint32_t slot, child_actions what) {
  if (what.lose) note(event_kind::lost, slot, {}, last_death_);
  if (what.end) note(event_kind::terminated, slot, {}, last_death_);
  if (what.time_out) {
    note(event_kind::timed_out, slot, {},
         "hard limit of " + std::to_string(places_[slot].hard.value_or(std::chrono::milliseconds{}).count()) +
             " ms passed");
  }
  if (what.lose || what.end || what.time_out) settle(slot);
}

/// Everything the child wrote is in the socket by now: a result that is there counts.
void prefork_pool::on_died(std::uint32_t slot, io::ending how, bool with_server) {
  auto& p = places_[slot];
  bool const doomed = p.killed || p.retired;
  read_child(slot);
  bool const fruitless = p.life.fruitless();
  auto const what = p.life.step(child_input::died);
  last_death_ = what.end ? how.text() : reason_of(how, with_server, p.killed);
  report_end(slot, what);
  if (p.ready && p.wanted) ++missing_;
  p.ready = p.retired = false;
  if (p.successor) --handovers_;
  p.successor.reset();
  p.socket.reset();
  p.in.reset();
  p.out.reset();
  p.silent_until = time_point::max();
  std::erase(idle_, slot);
  if (phase_ >= phase::ending || with_server) return;
  if (fruitless && !doomed && child_brake_.fruitless_death(clock::now())) {
    log::critical("pool: children die before their first job is done (" + last_death_ + "); slowing down");
  }
}

void prefork_pool::expire_limits(time_point now) {
  next_limit_ = time_point::max();
  for (std::uint32_t slot = 0; slot < places_.size(); ++slot) {
    auto& p = places_[slot];
    if (now >= p.limit && !p.dumped) {  // first it says where it stands
      p.dumped = true;
      p.limit = now + dump_within;
      tell(control_kind::kill, slot, p.pid, stack_dump_signal());
    } else if (now >= p.limit) {
      p.limit = time_point::max();
      act(slot, p.life.step(child_input::limit_passed));
    }
    if (now >= p.overdue) {
      p.overdue = time_point::max();
      note(event_kind::overdue, slot, {}, {});
      tell(control_kind::kill, slot, p.pid, stack_dump_signal());
    }
    if (now >= p.silent_until) {
      p.silent_until = time_point::max();
      act(slot, p.life.step(child_input::broken));
    }
    next_limit_ = std::min({next_limit_, p.limit, p.overdue, p.silent_until});
  }
}

}  // namespace lovage::pool
