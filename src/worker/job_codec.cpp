#include "worker/job_codec.hpp"

#include "core/log.hpp"

#include <lovage/unpack.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>

namespace lovage::work {

std::string write_job(packed_job const& job) {
  packer p;
  p.array(5);
  p.unsigned_integer(job.job);
  p.text(job.task);
  p.text(job.id);
  p.binary(job.request);
  p.binary(job.arguments);
  return std::move(p).out();
}

packed_job read_job(std::string_view payload) {
  unpacker in{payload};
  if (in.array() != 5) in.fail("not a job");
  packed_job out;
  out.job = in.unsigned_integer();
  out.task = in.text();
  out.id = in.text();
  out.request = in.binary();
  out.arguments = in.binary();
  return out;
}

std::string write_outcome(outcome const& end) {
  std::string out;
  out.reserve(end.data.size() + 1);
  out += static_cast<char>(end.kind);
  return out += end.data;
}

outcome read_outcome(std::string_view bytes) {
  if (bytes.empty() || bytes.front() > LOVAGE_REPLACED)
    return failure_outcome("RuntimeError", "the pool lost the outcome");
  return {static_cast<lovage_outcome>(bytes.front()), std::string{bytes.substr(1)}};
}

std::string write_notice(task_notice::kind what, std::string_view name, std::string_view packed_data) {
  packer p;
  p.array(3);
  p.boolean(what == task_notice::kind::event);
  p.text(name);
  p.raw(packed_data);
  return std::move(p).out();
}

task_notice read_notice(std::string_view bytes) {
  unpacker in{bytes};
  if (in.array() != 3) in.fail("not a notice");
  task_notice out;
  out.what = in.boolean() ? task_notice::kind::event : task_notice::kind::state;
  out.name = in.text();
  out.data = in.any();
  return out;
}

namespace {

void log_of_task(std::string const& task, std::string const& id, int level, std::string_view text) {
  auto const l = static_cast<log::level>(std::clamp(level, 0, 4));
  if (log::enabled(l))
    log::write(l, task + "[" + id + "]: " + std::string{text}, {{"task_id", id}, {"task_name", task}});
}

class pool_host final : public invoke_host {
 public:
  pool_host(pool::job_channel& channel, packed_job const& job) : channel_{channel}, job_{job} {}
  void update_state(std::string_view state, std::string_view packed_meta) override {
    channel_.send(write_notice(task_notice::kind::state, state, packed_meta));
  }
  void send_event(std::string_view type, std::string_view packed_fields) override {
    channel_.send(write_notice(task_notice::kind::event, type, packed_fields));
  }
  [[nodiscard]] int stop_requested() const noexcept override { return static_cast<int>(channel_.why_stop()); }
  void log(int level, std::string_view text) override {
    log_of_task(std::string{job_.task}, std::string{job_.id}, level, text);
  }

 private:
  pool::job_channel& channel_;
  packed_job const& job_;
};

class open_pool_host final : public open_host {
 public:
  open_pool_host(std::shared_ptr<pool::open_job> job, packed_job const& what)
      : job_{std::move(job)}, task_{what.task}, id_{what.id} {}
  void update_state(std::string_view state, std::string_view packed_meta) override {
    job_->send(write_notice(task_notice::kind::state, state, packed_meta));
  }
  void send_event(std::string_view type, std::string_view packed_fields) override {
    job_->send(write_notice(task_notice::kind::event, type, packed_fields));
  }
  [[nodiscard]] int stop_requested() const noexcept override { return static_cast<int>(job_->why_stop()); }
  void log(int level, std::string_view text) override { log_of_task(task_, id_, level, text); }
  void finish(outcome end) override { job_->finish(write_outcome(end)); }
  void when_stopped(std::function<void()> stop) override { job_->when_stopped(std::move(stop)); }
  bool on_opener(std::function<void()> f) override { return job_->on_opener(std::move(f)); }
  void driven_by(post_function post, void* self) override { job_->driven_by({post, self}); }

 private:
  std::shared_ptr<pool::open_job> job_;
  std::string const task_, id_;
};

outcome not_known(packed_job const& job) {
  return failure_outcome("NotRegistered", std::string{job.task} + " is not known to this pool process");
}

// In a pool child, which was forked after the runner was made: once, before its first task.
void greet_process(task_registry::impl const& tasks, std::atomic<int>& at_home) {
  int const me = ::getpid();
  if (int known = at_home; known == me || !at_home.compare_exchange_strong(known, me)) return;
  tasks.hooks().tell(signal::worker_process_init, {{"pid", me}});
}

}  // namespace

pool::runner make_runner(task_registry::impl const& tasks, std::function<void(std::uint64_t)> on_start) {
  auto const at_home = std::make_shared<std::atomic<int>>(::getpid());
  return [&tasks, on_start = std::move(on_start), at_home](std::string_view payload, pool::job_channel& channel) {
    try {
      greet_process(tasks, *at_home);
      auto const job = read_job(payload);
      if (on_start) on_start(job.job);
      auto const* entry = tasks.find(job.task);
      if (entry == nullptr) return write_outcome(not_known(job));
      channel.show(job.task);
      pool_host host{channel, job};
      return write_outcome(invoke(*entry, tasks.hooks(), job.request, job.arguments, host));
    } catch (std::exception const& e) {
      return write_outcome(failure_outcome("RuntimeError", e.what()));
    }
  };
}

pool::opener make_opener(task_registry::impl const& tasks, std::function<void(std::uint64_t)> on_start) {
  auto const stacks = std::make_shared<fiber_stacks>();
  return [&tasks, on_start = std::move(on_start), stacks](std::string const& payload,
                                                          std::shared_ptr<pool::open_job> const& open) {
    try {
      auto const job = read_job(payload);
      if (on_start) on_start(job.job);
      auto const* entry = tasks.find(job.task);
      if (entry == nullptr) return open->finish(write_outcome(not_known(job)));
      auto host = std::make_shared<open_pool_host>(open, job);
      invoke_open(*entry, tasks.hooks(), job.request, job.arguments, std::move(host), stacks);
    } catch (std::exception const& e) {
      open->finish(write_outcome(failure_outcome("RuntimeError", e.what())));
    }
  };
}

}  // namespace lovage::work
