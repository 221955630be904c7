// beat_bench [entries]: what a scheduler costs: memory an entry, a tick, and how late what is due is sent.
#include "app/app_state.hpp"
#include "beat/agenda.hpp"
#include "beat/scheduler.hpp"
#include "beat/sqlite/sqlite_store.hpp"
#include "core/ids.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace {

using namespace lovage;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

double ms_since(steady::time_point begun) {
  return std::chrono::duration<double, std::milli>(steady::now() - begun).count();
}

std::size_t bytes_in_use() {
  auto const m = ::mallinfo2();
  return m.uordblks + m.hblkhd;
}

// Each an hour, at a second of its own: three quarters crontabs, scattered by spread; a quarter intervals.
beats::entry entry_of(std::size_t i, time_point now) {
  auto const name = "shop.customer-" + std::to_string(i) + ".report";
  auto const call = R"({"task": "shop.report", "args": [)" + std::to_string(i) + "], \"kwargs\": {}, \"options\": {}}";
  periodic_options with;
  auto const when = i % 4 == 0 ? schedule{every{1h}.from(now + std::chrono::milliseconds{i * 36 % 3'600'000})}
                               : schedule{crontab{"H * * * *"}};
  if (i % 4 == 1) with.spread(60s);
  return {name, when, call, with, beats::origin::store, true, now, {}, {}, 0};
}

beats::changes many(std::size_t n, time_point now) {
  beats::changes out;
  out.all = true;
  out.counter = 1;
  for (std::size_t i = 0; i < n; ++i) out.put.push_back(entry_of(i, now));
  return out;
}

void measure_agenda(beats::changes const& all, time_point now) {
  std::size_t text = 0;
  for (auto const& e : all.put) text += e.name.size() + e.call.size();
  auto const before = bytes_in_use();
  beats::agenda on{{}};
  auto begun = steady::now();
  on.apply(all, now);
  auto const took = ms_since(begun);
  auto const used = bytes_in_use() - before;
  auto const n = all.put.size();
  std::printf("%zu entries are read into the agenda in %.0f ms\n", n, took);
  std::printf("memory: %.1f octets an entry, of which %.1f are its texts: %.1f above them\n",
              static_cast<double>(used) / static_cast<double>(n), static_cast<double>(text) / static_cast<double>(n),
              static_cast<double>(used - text) / static_cast<double>(n));
  double worst = 0, sum = 0;
  std::size_t due = 0;
  int ticks = 0;
  for (auto at = now; at < now + 600s; at += 1s, ++ticks) {
    begun = steady::now();
    auto const some = on.step(at, 1'000'000);
    for (auto const& item : some) on.decided(item.at, item.due);
    auto const ms = ms_since(begun);
    worst = std::max(worst, ms);
    sum += ms;
    due += some.size();
  }
  std::printf("a tick a second for ten minutes: %.3f ms on average, %.3f ms at most, %.1f due in each\n", sum / ticks,
              worst, static_cast<double>(due) / ticks);
}

struct lateness {
  std::mutex mutex;
  std::unordered_map<std::string, time_point> wanted;
  std::vector<double> ms;
};

void measure_scheduler(std::size_t n) {
  auto const place = std::filesystem::temp_directory_path() / ("lovage-bench-" + random_uuid().str());
  std::filesystem::create_directories(place);
  auto const url = "sqlite:///" + (place / "beat.db").string();
  app on{config{}.broker_url(url).result_backend(url)};
  auto const store = beats::make_sqlite_store({{url, {}, {}, {}, {}, {}}, system_now}, 30s).value();
  auto const now = system_now();
  auto const all = many(n, now);
  (void)store->put(all.put, beats::put_mode::make, 60s);
  lateness late;
  for (auto const& e : all.put) {
    auto const due = e.when.settled(e.name).value().next(now);
    if (due) late.wanted.emplace(beats::task_id_of(e.name, *due).str(), beats::sending_time(e.name, *due, e.with));
  }
  on.after_publish([&](std::string const&, task_id const& id) {
    auto const sent = system_now();
    std::lock_guard const lock{late.mutex};
    if (auto const at = late.wanted.find(id.str()); at != late.wanted.end())
      late.ms.push_back(std::chrono::duration<double, std::milli>(sent - at->second).count());
  });
  beats::scheduler::options with;
  with.name = "bench";
  beats::scheduler one{*on.state(), store, {}, with};
  std::thread runs{[&] { one.run(); }};
  auto const begun = steady::now();
  (void)one.wait_leading(deadline::in(60s));
  std::printf("%zu entries are read from the store, and it leads, in %.0f ms\n", n, ms_since(begun));
  std::this_thread::sleep_for(3s);  // for what fell due while it read
  late.mutex.lock();
  late.ms.clear();
  late.mutex.unlock();
  std::this_thread::sleep_for(61s);  // every crontab's minute comes once
  one.stop();
  runs.join();
  std::sort(late.ms.begin(), late.ms.end());
  auto const at = [&](double part) {
    return late.ms.empty() ? 0 : late.ms[static_cast<std::size_t>(part * static_cast<double>(late.ms.size() - 1))];
  };
  std::printf("%zu sent in a minute, later than due by %.1f ms (median), %.1f ms (99 of 100), %.1f ms (at most)\n",
              late.ms.size(), at(0.5), at(0.99), at(1));
  std::filesystem::remove_all(place);
}

}  // namespace

int main(int argc, char** argv) {
  auto const n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  auto const now = std::chrono::floor<std::chrono::hours>(lovage::system_now()) + 0us;
  {
    auto const all = many(n, now);
    measure_agenda(all, now);
  }
  measure_scheduler(n);
}
