#include "pool/prefork/child_main.hpp"

#include "pool/prefork/frame.hpp"

#include <unistd.h>

#include <exception>

namespace lovage::pool {
namespace {

using clock = std::chrono::steady_clock;

class child_channel final : public job_channel {
 public:
  child_channel(int fd, frame_head const& job, stop_page::cell const& stop, child_face const& face,
                clock::time_point began)
      : fd_{fd}, id_{job.id}, stop_{stop}, face_{face} {
    if (job.number >= 0) soft_ = began + std::chrono::nanoseconds{job.number};
  }
  void send(std::string_view message) override {
    frame_head head;
    head.kind = frame_kind::message;
    head.id = id_;
    if (frame_writer::write_all(fd_, head, message) == frame_writer::status::closed) ::_exit(1);  // no worker any more
  }
  [[nodiscard]] stop_reason why_stop() const noexcept override {
    if (stop_.stop.load(std::memory_order_acquire)) return stop_reason::asked;
    return soft_ && clock::now() >= *soft_ ? stop_reason::soft_limit : stop_reason::none;
  }
  void show(std::string_view what) override { face_.title.show(face_.name, what); }

 private:
  int fd_;
  std::uint64_t id_;
  stop_page::cell const& stop_;
  child_face const& face_;
  std::optional<clock::time_point> soft_;
};

bool run_one(int fd, frame_head const& job, std::string_view payload, stop_page::cell const& stop, runner const& run,
             child_face const& face) {
  auto const began = clock::now();
  child_channel channel{fd, job, stop, face, began};
  frame_head head;
  head.kind = frame_kind::finished;
  head.id = job.id;
  std::string outcome;
  try {
    outcome = run(payload, channel);
  } catch (std::exception const& e) {
    head.kind = frame_kind::threw;
    outcome = std::string{"the runner threw: "} + e.what();
  } catch (...) {
    head.kind = frame_kind::threw;
    outcome = "the runner threw something that is not a std::exception";
  }
  head.number = std::chrono::nanoseconds{clock::now() - began}.count();
  face.title.show(face.name, {});
  return frame_writer::write_all(fd, head, outcome) == frame_writer::status::done;
}

}  // namespace

void serve_jobs(int fd, stop_page::cell const& stop, runner const& run, child_face const& face) {
  face.title.show(face.name, {});
  if (frame_writer::write_all(fd, frame_head{}, {}) != frame_writer::status::done) return;
  frame_reader reader;
  bool alive = true;
  auto const on_frame = [&](frame_head const& head, std::string&& payload) {
    if (alive && head.kind == frame_kind::job) alive = run_one(fd, head, payload, stop, run, face);
  };
  while (alive) {
    auto const got = reader.read_some(fd, 0, on_frame);
    if (got == frame_reader::status::closed || got == frame_reader::status::garbage) return;
  }
}

}  // namespace lovage::pool
