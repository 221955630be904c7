// usage: chaos_sender BROKER_URL RESULTS_URL QUEUE MARKS_FILE CONFIRMED_FILE PREFIX BATCH PAUSE_MS MAX_MS
//                     [COUNT [mark|sending]]
// Sends batches of tasks, each as long as 0 to MAX_MS milliseconds, until TERM, or until COUNT (not 0) are confirmed;
// after each send that returned, writes "name id" for each task that it confirms.
#include "marks.hpp"

#include <lovage/app.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

std::atomic<bool> stop = false;
extern "C" void on_term(int) { stop = true; }

struct plan {
  std::string broker, results, queue, marks, confirmed, prefix;
  int batch, pause_ms, max_ms;
  long count;
  std::string task;
};

void confirm(int fd, std::vector<std::string> const& names, std::vector<lovage::async_result<void>> const& sent) {
  std::string lines;
  for (std::size_t i = 0; i < names.size(); ++i) lines += names[i] + " " + sent[i].id().str() + "\n";
  if (::write(fd, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()))
    throw std::runtime_error{"cannot write the confirmations"};
}

int run(plan const& p) {
  lovage::app app{lovage::config{}.broker_url(p.broker).result_backend(p.results)};
  int const fd = ::open(p.confirmed.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error{"cannot open " + p.confirmed};
  auto const& task = p.task == "sending" ? chaos::sending : chaos::mark;
  long serial = 0, confirmed = 0;
  while (!stop && (p.count == 0 || confirmed < p.count)) {
    std::vector<std::string> names;
    std::vector<lovage::signature<void()>> calls;
    for (int i = 0; i < p.batch; ++i) {
      names.push_back(p.prefix + "-" + std::to_string(serial++));
      calls.push_back(task.s(names.back(), p.marks, static_cast<int>(serial % (p.max_ms + 1))).queue(p.queue));
    }
    try {
      confirm(fd, names, app.send_many(calls));
      confirmed += p.batch;
    } catch (lovage::error const& e) {  // told, and not confirmed: the next batch has new names
      std::fprintf(stderr, "%s: not sent: %s\n", p.prefix.c_str(), e.what());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{p.pause_ms});
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 10 || argc > 12) return std::fputs("usage: see sender.cpp\n", stderr), 2;
  std::signal(SIGTERM, on_term);
  auto const number = [&](int i) { return std::atoi(argv[i]); };
  return run({argv[1], argv[2], argv[3], argv[4], argv[5], argv[6], number(7), number(8), number(9),
              argc > 10 ? number(10) : 0, argc > 11 ? argv[11] : "mark"});
} catch (std::exception const& e) {
  std::fprintf(stderr, "chaos_sender: %s\n", e.what());
  return 1;
}
