// usage: bench_producer BROKER_URL RESULTS_URL many COUNT [ignore] | values COUNT | single COUNT | latency COUNT |
//   chords COUNT MEMBERS | chains COUNT STEPS | steps COUNT STEPS | paced COUNT RATE
// Prints one line: name=value pairs that run.py and brokers.py read.
#include "noop_tasks.hpp"

#include <lovage/app.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;

double since(clock_type::time_point start) { return std::chrono::duration<double>(clock_type::now() - start).count(); }

// In portions, as a producer of many tasks would: not a million signatures at once. Making the signatures counts.
template <class Make>
void send_many(lovage::app& app, std::size_t count, Make const& make) {
  constexpr std::size_t portion = 10'000;
  auto const start = clock_type::now();
  for (std::size_t sent = 0; sent < count; sent += portion) {
    std::vector<decltype(make(sent))> calls;
    for (std::size_t i = sent; i < std::min(count, sent + portion); ++i) calls.push_back(make(i));
    app.send_many(calls);
  }
  std::printf("seconds=%.6f\n", since(start));
}

void send_single(lovage::app& app, std::size_t count) {
  auto const noop = app.task(bench::noop);
  noop.delay();  // opens the store
  auto const start = clock_type::now();
  for (std::size_t i = 0; i < count; ++i) noop.delay();
  std::printf("seconds=%.6f\n", since(start));
}

void latency(lovage::app& app, std::size_t count) {
  auto const noop = app.task(bench::noop);
  for (int i = 0; i < 20; ++i) noop.delay().get(30s);
  std::vector<double> took;
  for (std::size_t i = 0; i < count; ++i) {
    auto const start = clock_type::now();
    noop.delay().get(30s);
    took.push_back(since(start) * 1e3);
  }
  std::sort(took.begin(), took.end());
  auto const at = [&](double q) { return took[static_cast<std::size_t>(q * static_cast<double>(took.size() - 1))]; };
  std::printf("p50=%.4f p90=%.4f p99=%.4f max=%.4f\n", at(0.5), at(0.9), at(0.99), took.back());
}

// One after the other, each until its body has answered.
void chords(lovage::app& app, std::size_t count, int members) {
  std::vector<lovage::signature<int()>> header;
  for (int i = 0; i < members; ++i) header.push_back(bench::add.s(i, 1));
  (void)app.send(lovage::chord(header, bench::total.s())).get(60s);
  auto const start = clock_type::now();
  for (std::size_t i = 0; i < count; ++i)
    if (app.send(lovage::chord(header, bench::total.s())).get(60s) != members) std::abort();
  std::printf("seconds=%.6f\n", since(start));
}

lovage::canvas<int()> chain_of(int steps) {
  lovage::canvas<int()> flow{bench::add.s(1, 1)};
  for (int s = 1; s < steps; ++s) flow = flow | bench::add.s(1);
  return flow;
}

// A chain until its end has answered, and beside it single tasks, each until it has: medians, and of the chain a step.
void steps(lovage::app& app, std::size_t count, int size) {
  for (int i = 0; i < 20; ++i) app.send(chain_of(size)).get(30s);
  std::vector<double> single, step;
  for (std::size_t i = 0; i < count; ++i) {
    auto start = clock_type::now();
    app.task(bench::add).delay(1, 1).get(30s);
    single.push_back(since(start) * 1e3);
    start = clock_type::now();
    app.send(chain_of(size)).get(30s);
    step.push_back(since(start) * 1e3 / size);
  }
  auto const median = [](std::vector<double>& of) {
    std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
    return of[of.size() / 2];
  };
  double const one = median(single), each = median(step);
  std::printf("single=%.4f step=%.4f ratio=%.3f\n", one, each, each / one);
}

void chains(lovage::app& app, std::size_t count, int steps) {
  for (std::size_t i = 0; i < count; ++i) (void)app.send(chain_of(steps));
}

// So many a second, as evenly as can be; who is late catches up.
void paced(lovage::app& app, std::size_t count, int rate) {
  auto const add = app.task(bench::add);
  auto const start = clock_type::now();
  for (std::size_t i = 0; i < count; ++i) {
    std::this_thread::sleep_until(start + i * 1'000'000us / rate);
    add.delay(static_cast<int>(i), 1);
  }
  std::printf("seconds=%.6f\n", since(start));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 5) return std::fputs("usage: see bench_producer.cpp\n", stderr), 2;
  std::string_view const what = argv[3];
  lovage::app app{lovage::config{}.broker_url(argv[1]).result_backend(argv[2]).task_send_sent_event(what == "paced")};
  auto const count = static_cast<std::size_t>(std::atoll(argv[4]));
  bool const ignore = argc > 5;
  int const size = argc > 5 ? std::atoi(argv[5]) : 0;
  if (what == "many") send_many(app, count, [&](std::size_t) { return bench::noop.s().ignore_result(ignore); });
  if (what == "values") send_many(app, count, [](std::size_t i) { return bench::add.s(static_cast<int>(i), 1); });
  if (what == "single") send_single(app, count);
  if (what == "latency") latency(app, count);
  if (what == "chords") chords(app, count, size);
  if (what == "chains") chains(app, count, size);
  if (what == "steps") steps(app, count, size);
  if (what == "paced") paced(app, count, size);
  return 0;
} catch (std::exception const& e) {
  std::fprintf(stderr, "bench_producer: %s\n", e.what());
  return 1;
}
