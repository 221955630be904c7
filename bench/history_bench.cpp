// history_bench FILE [tasks]: fills a history (unless FILE has one of that size), then measures every kind of search.
// Prints one line a measurement: median and slowest of nine in milliseconds, and the median of their CPU time.
#include "monitor/history.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace lovage;
using namespace lovage::monitor;
using namespace std::chrono_literals;

constexpr double day_begin = 1'800'000'000;

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

// Tasks as a shop has them: 40 names, 8 workers, 5 queues; one in thirty fails, of some hundred kinds; words of
// arguments follow how often words are used.
class shop {
 public:
  std::vector<wire::event> task(std::size_t i) {
    auto const id = fmt::format("{:08x}-0000-4000-8000-{:012x}", static_cast<std::uint32_t>(random_()), i);
    auto const at = day_begin + static_cast<double>(i) * 0.5;
    auto const kind = rank(40), worker = kind % 2 == 0 ? rank(4) : 4 + rank(4);
    auto const who = fmt::format("worker{}@host{}", worker, worker % 3);
    std::vector<wire::event> out;
    out.push_back(event("sent", id, "gen1@web", at, {{"queue", fmt::format("queue{}", kind % 5)}}));
    auto& sent = out.back().fields;
    sent.insert(sent.end(), {{"name", fmt::format("shop.part{}.task{}", kind % 7, kind)},
                             {"args", fmt::format("({}, '{} {} {}')", i, word(), word(), word())},
                             {"kwargs", fmt::format("{{'user': {}, 'note': '{}'}}", random_() % 50'000, word())}});
    auto received = event("received", id, who, at + 0.01, {});
    received.fields.insert(received.fields.end(), sent.begin() + 1, sent.end());
    out.push_back(std::move(received));
    if (i % 500 == 499) return out;  // waits still
    out.push_back(event("started", id, who, at + 0.02, {}));
    if (i % 701 == 700) return out;
    auto const runtime = std::exp(normal_(random_));
    if (random_() % 30 == 0) {
      auto const what = fmt::format("{}Error('{} {} {} is out of {}')", rank(30), word(), i, word(), rank(20));
      out.push_back(event("failed", id, who, at + runtime,
                          {{"exception", what}, {"traceback", "Traceback (most recent call last):\n  " + what}}));
    } else {
      out.push_back(event("succeeded", id, who, at + runtime,
                          {{"result", fmt::format("'{} done {}'", word(), i)}, {"runtime", runtime}}));
    }
    return out;
  }

 private:
  static wire::event event(char const* type, std::string const& id, std::string who, double at, value::map fields) {
    wire::event e;
    e.type = std::string{"task-"} + type;
    e.hostname = std::move(who);
    e.timestamp = at;
    e.fields = {{"uuid", id}};
    e.fields.insert(e.fields.end(), fields.begin(), fields.end());
    return e;
  }
  // Small numbers far more often than large ones.
  std::size_t rank(std::size_t most) {
    auto const u = static_cast<double>(random_() % 1'000'000) / 1e6;
    return std::min(most - 1, static_cast<std::size_t>(std::pow(static_cast<double>(most), u) - 1));
  }
  std::string word() { return fmt::format("word{}", rank(20'000)); }

  std::mt19937_64 random_{7};
  std::normal_distribution<double> normal_{-2, 1.5};
};

void fill(history& to, std::size_t tasks, time_point& now) {
  shop from;
  std::size_t events = 0;
  double made = 0;
  auto const begin = cpu_seconds();
  for (std::size_t i = 0; i < tasks;) {
    auto const before = cpu_seconds();
    std::vector<wire::event> batch;
    for (std::size_t end = std::min(tasks, i + 500); i < end; ++i)
      for (auto& e : from.task(i)) batch.push_back(std::move(e));
    now = time_point{
        std::chrono::microseconds{static_cast<std::int64_t>((day_begin + static_cast<double>(i) * 0.5 + 1) * 1e6)}};
    made += cpu_seconds() - before;
    // As they come in life: what one task tells comes over several batches.
    auto const third = batch.size() / 3;
    for (auto const& part : {std::span{batch}.first(third), std::span{batch}.subspan(third)})
      if (auto const kept = to.add(part, 60s); !kept) throw error{kept.error()};
    events += batch.size();
    if (i % 100'000 == 0)
      fmt::print("  {} tasks, {:.0f} events/s of CPU\n", i,
                 static_cast<double>(events) / (cpu_seconds() - begin - made)),
          std::fflush(stdout);
  }
  auto const spent = cpu_seconds() - begin - made;
  fmt::print("ingest: {} events in {:.1f} s of CPU: {:.0f} events/s\n", events, spent,
             static_cast<double>(events) / spent);
}

void measure(history& in, char const* what, task_filter const& which, task_order order) {
  std::vector<double> times, work;
  task_page page;
  for (int i = 0; i < 9; ++i) {
    auto const begin = std::chrono::steady_clock::now();
    auto const cpu = cpu_seconds();
    page = in.find(which, order, 50, {}, 60s).value();
    work.push_back((cpu_seconds() - cpu) * 1e3);
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  std::sort(work.begin(), work.end());
  constexpr char const* orders[] = {"-received", "received", "-runtime", "runtime", "name"};
  fmt::print("{:<34} {:<10} {:>7.1f} {:>7.1f} {:>7.1f}   {} of {}{}\n", what, orders[static_cast<int>(order)], times[4],
             times[8], work[4], page.tasks.size(), page.total, page.at_least ? "+" : "");
  std::fflush(stdout);
}

struct search {
  char const* what;
  task_filter which;
};

std::vector<search> searches(history& in) {
  auto const from = time_point{std::chrono::seconds{static_cast<std::int64_t>(day_begin) + 100'000}};
  auto const group = in.failures(time_point{}, 60s).value();
  return {
      {"all", {}},
      {"state SUCCESS", {.states = {"SUCCESS"}}},
      {"state FAILURE", {.states = {"FAILURE"}}},
      {"state STARTED, RECEIVED", {.states = {"STARTED", "RECEIVED"}}},
      {"a frequent name", {.name = "shop.part0.task0"}},
      {"a rare name", {.name = "shop.part3.task38"}},
      {"names by prefix", {.name = "shop.part1.*"}},
      {"worker", {.worker = "worker5@host2"}},
      {"queue", {.queue = "queue1"}},
      {"a rare queue, FAILURE", {.states = {"FAILURE"}, .queue = "queue4"}},
      {"name and worker that never meet",
       {.states = {"SUCCESS"}, .name = "shop.part0.task0", .worker = "worker4@host1"}},
      {"an hour", {.from = from, .to = from + 1h}},
      {"an hour, SUCCESS, worker", {.states = {"SUCCESS"}, .worker = "worker0@host0", .from = from, .to = from + 1h}},
      {"failures of a group", {.error_group = group.empty() ? "none" : group[0].id}},
      {"a word of all", {.text = "shop"}},
      {"a frequent word", {.text = "word0"}},
      {"a word of some", {.text = "word50"}},
      {"a rare word", {.text = "word19000"}},
      {"no such word", {.text = "nowhere"}},
      {"two words", {.text = "word0 word1"}},
      {"a phrase", {.text = "\"word0 word1\""}},
      {"beginning of words", {.text = "word12*"}},
      {"a word, FAILURE", {.states = {"FAILURE"}, .text = "word0"}},
      {"a word, RECEIVED", {.states = {"RECEIVED"}, .text = "word0"}},
      {"a word of all, worker, an hour", {.worker = "worker0@host0", .text = "shop", .from = from, .to = from + 1h}},
      {"a word of all, an hour", {.text = "shop", .from = from, .to = from + 1h}},
      {"a frequent word, a day", {.text = "word0", .from = from, .to = from + 24h}},
      {"a rare word, a day", {.text = "word19000", .from = from, .to = from + 24h}},
      {"error text", {.text = "Traceback out of"}}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fmt::print(stderr, "usage: history_bench FILE [tasks]\n"), 2;
  std::size_t const tasks = argc > 2 ? std::stoul(argv[2]) : 1'000'000;
  time_point now = time_point{std::chrono::seconds{static_cast<std::int64_t>(day_begin + static_cast<double>(tasks))}};
  auto const in = history::open({argv[1], [&now] { return now; }}, 60s).value();
  if (in->size(60s).value().tasks < tasks) fill(*in, tasks, now);
  auto const size = in->size(60s).value();
  fmt::print("{} tasks, {:.0f} MB\n", size.tasks, static_cast<double>(size.bytes) / 1e6);
  for (auto const& s : searches(*in))
    for (auto const order :
         {task_order::newest, task_order::oldest, task_order::slowest, task_order::fastest, task_order::by_name})
      measure(*in, s.what, s.which, order);
  auto const begin = std::chrono::steady_clock::now();
  auto const groups = in->failures(time_point{}, 60s).value().size();
  fmt::print("failure groups: {} in {:.1f} ms\n", groups,
             std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
}
