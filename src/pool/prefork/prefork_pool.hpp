// Jobs in child processes, made by a fork server.
//
//     worker process                                        fork server           children
//     submit() --+                                          (this program,
//                | under one mutex: give a job to            one thread)
//                v a free child, else keep it                    | fork
//     io thread: epoll { wake, control socket, server's end,     v
//                        one stream socket per child } <---- job / message, finished ---> child loop
//                |
//                +--> sink, one batch per turn
//
// One thread owns every descriptor and calls the sink; other threads only write jobs to children that are free, which
// saves a thread switch per job. A job is never put behind a running one.
#pragma once

#include "io/descriptor.hpp"
#include "pool/pool.hpp"
#include "pool/prefork/child_life.hpp"
#include "pool/prefork/frame.hpp"
#include "pool/prefork/restart_brake.hpp"
#include "pool/prefork/server_process.hpp"
#include "pool/prefork/stop_page.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace lovage::pool {

class prefork_pool final : public pool {
 public:
  prefork_pool() = default;
  ~prefork_pool() override;

  [[nodiscard]] char const* name() const noexcept override { return "prefork"; }
  [[nodiscard]] expected<void> start(options with) override;
  void submit(std::vector<job>&& jobs) override;
  [[nodiscard]] std::vector<std::uint64_t> withdraw() override;
  void request_stop(std::uint64_t job_id) override;
  bool stop(deadline until) override;
  void kill() override;
  [[nodiscard]] std::vector<int> pids() const override;
  [[nodiscard]] bool enforces_hard_limits() const noexcept override { return true; }
  [[nodiscard]] std::size_t concurrency() const override;
  [[nodiscard]] expected<void> resize(std::size_t concurrency) override;
  [[nodiscard]] expected<void> terminate(std::uint64_t job_id, int signal) override;
  [[nodiscard]] expected<void> restart() override;
  [[nodiscard]] std::vector<slot> slots() const override;
  void dump_stacks() override;

 private:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;

  enum class phase { fresh, starting, running, draining, ending, killing, over };
  enum class server_state { none, starting, ready };

  /// Where a child can be. What the child writes is read by the io thread only.
  struct place {
    child_life life;
    io::descriptor socket;
    int pid = 0;
    bool wanted = false;                     ///< counts among `concurrency`: an absent child is asked for
    bool retired = false;                    ///< was told to go
    std::optional<std::uint32_t> successor;  ///< the place of the child that shall follow it
    std::uint64_t done = 0;                  ///< jobs it finished
    bool asked = false;                      ///< a fork request is under way
    bool closed = false;                     ///< read to its end
    bool killed = false;                     ///< we sent SIGKILL
    bool ready = false;                      ///< said so
    frame_reader in;
    frame_writer out;
    std::uint64_t job = 0;
    std::optional<std::chrono::milliseconds> soft, hard;
    time_point began;
    time_point limit = time_point::max();         ///< when the job's hard limit passes
    time_point overdue = time_point::max();       ///< when the watchdog has its stack written
    bool dumped = false;                          ///< it has passed, and the child was asked for its stack
    time_point silent_until = time_point::max();  ///< when a child that closed its channel is killed
  };

  expected<void> prepare(options&& with);

  // With m_ held, any thread.
  void dispatch();
  void give(std::uint32_t slot);
  void act(std::uint32_t slot, child_actions what);
  void note(event_kind kind, std::uint32_t slot, std::string payload, std::string reason);
  void tell(control_kind kind, std::uint32_t slot, int pid, int status = 0);
  void watch(int fd, std::uint64_t token, std::uint32_t events, bool add);
  void watch_child(std::uint32_t slot, bool writable, bool add);
  void wake();

  // The same: which children there shall be.
  void want(std::uint32_t slot);
  void unwant(std::uint32_t slot);
  [[nodiscard]] std::size_t wanted() const;
  [[nodiscard]] std::optional<std::uint32_t> free_place();
  [[nodiscard]] bool is_spent(place const& p) const;
  void grow(std::size_t by);
  void shrink(std::size_t by);
  void replace(std::uint32_t slot);
  void hand_over(std::uint32_t successor);
  void consider_replacing(std::uint32_t slot, bool job_ended);
  void offer(std::uint32_t slot);
  void leave(std::uint32_t slot);

  // With m_ held, the io thread: the turn of the loop and the fork server.
  void io_thread();
  bool deliver(std::unique_lock<std::mutex>& lock);
  void turn(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] int timeout_ms() const;
  void on_ready(std::uint64_t token, std::uint32_t events);
  void open_server();
  void mind_server(time_point now);
  void fail_start(std::string why);
  void on_control();
  void on_message(control_message const& m, io::descriptor&& passed);
  void on_server_end();

  // The same, the children.
  [[nodiscard]] bool wants_children() const;
  void request_children();
  void on_forked(control_message const& m, io::descriptor&& socket);
  bool read_child(std::uint32_t slot);
  void flush_child(std::uint32_t slot);
  void on_frame(std::uint32_t slot, frame_head const& head, std::string&& payload);
  void settle(std::uint32_t slot);
  void on_died(std::uint32_t slot, io::ending how, bool with_server);
  void report_end(std::uint32_t slot, child_actions what);
  void expire_limits(time_point now);

  static constexpr std::size_t most_slots = 10'000;

  mutable std::mutex m_;
  std::condition_variable changed_;
  phase phase_ = phase::fresh;
  options options_;
  self_image self_;
  stop_page stop_flags_;
  std::deque<place> places_;
  std::vector<std::uint32_t> idle_;
  std::deque<job> waiting_;
  std::vector<event> events_;
  std::size_t busy_ = 0;
  std::size_t missing_ = 0;    ///< wanted places whose child is not ready
  std::size_t handovers_ = 0;  ///< places that have a successor
  time_point next_limit_ = time_point::max();
  bool sleeping_ = false, told_to_end_ = false;
  bool silent_ = false;  ///< killed: the sink is not called any more

  io::descriptor epoll_, wake_;
  server_state server_ = server_state::none;
  std::optional<server_process> server_process_;
  std::string problem_, last_death_;
  time_point server_due_ = time_point::max();  ///< when it must be ready, or must be gone
  restart_brake child_brake_{100, std::chrono::seconds{5}, std::chrono::seconds{1}};
  restart_brake server_brake_{3, std::chrono::seconds{10}, std::chrono::seconds{1}};
  std::optional<expected<void>> started_;
  std::vector<int> orphans_;  ///< children of a dead server, ours to reap if this process is init
  std::thread thread_;
};

}  // namespace lovage::pool
