// How many no-op jobs a pool runs per second: pool_bench [threads|solo|prefork] [slots] [jobs]
#include "pool/event_log.hpp"
#include "pool/prefork.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

namespace {

using namespace lovage;

std::string run(std::string_view, pool::job_channel&) { return {}; }

/// Keeps the pool fed with small submits, as a worker with a prefetch window does.
struct meter {
  std::mutex m;
  std::condition_variable moved;
  std::size_t finished = 0, batches = 0, wanted = 0;

  pool::event_sink sink() {
    return [this](std::vector<pool::event>&& batch) {
      std::size_t n = 0;
      for (auto const& e : batch) n += e.kind == pool::event_kind::finished ? 1 : 0;
      std::lock_guard lock{m};
      finished += n;
      ++batches;
      if (finished >= wanted) moved.notify_one();
    };
  }
  void wait(std::size_t until) {
    std::unique_lock lock{m};
    wanted = until;
    moved.wait(lock, [&] { return finished >= wanted; });
  }
};

int measure(std::string const& kind, std::size_t slots, std::size_t jobs) {
  meter counts;
  auto p = kind == "solo" ? pool::make_solo() : kind == "prefork" ? pool::make_prefork() : pool::make_threads();
  if (auto ok = p->start({.concurrency = slots, .run = run, .on_events = counts.sink()}); !ok) {
    std::fprintf(stderr, "%s\n", ok.error().text().c_str());
    return 1;
  }
  constexpr std::size_t window = 256, chunk = 32;
  auto const began = std::chrono::steady_clock::now();
  std::size_t sent = 0;
  while (sent < jobs) {
    std::vector<pool::job> batch;
    for (std::size_t i = 0; i < chunk && sent < jobs; ++i) batch.push_back(pool::make_job(++sent, "payload of a job"));
    p->submit(std::move(batch));
    if (sent > window) counts.wait(sent - window);
  }
  counts.wait(jobs);
  std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
  std::printf("%-8s %3zu slots: %8.0f jobs/s, %.1f jobs per delivery\n", p->name(), slots,
              static_cast<double>(jobs) / took.count(),
              static_cast<double>(jobs) / static_cast<double>(counts.batches));
  return p->stop(deadline::in(std::chrono::seconds{10})) ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (lovage::pool::is_fork_server()) lovage::pool::serve_forks(run);
  std::string const kind = argc > 1 ? argv[1] : "threads";
  auto const slots = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
  auto const jobs = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 200000;
  return measure(kind, slots, jobs);
}
