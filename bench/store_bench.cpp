// store_bench [directory] [messages]: what the embedded store does in a second, one process, one file.
#include "backend/sqlite/sqlite_backend.hpp"
#include "broker/sqlite/sqlite_transport.hpp"
#include "core/ids.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace {

using namespace lovage;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

// As large as a small task message of Celery is.
broker::outgoing message(int i) {
  broker::outgoing out;
  out.queue = queue_name{"celery"};
  auto const id = new_task_id().str();
  out.envelope.content_type = "application/json";
  out.envelope.content_encoding = "utf-8";
  out.envelope.headers = value::map{{"lang", "c++"},
                                    {"task", "bench.noop"},
                                    {"id", id},
                                    {"shadow", nullptr},
                                    {"eta", nullptr},
                                    {"expires", nullptr},
                                    {"group", nullptr},
                                    {"group_index", nullptr},
                                    {"retries", 0},
                                    {"timelimit", value::list{nullptr, nullptr}},
                                    {"root_id", id},
                                    {"parent_id", nullptr},
                                    {"argsrepr", "(" + std::to_string(i) + ",)"},
                                    {"kwargsrepr", "{}"},
                                    {"origin", "gen1234@bench"},
                                    {"ignore_result", true}};
  out.envelope.properties.correlation_id = id;
  out.envelope.body =
      "[[" + std::to_string(i) + "], {}, {\"callbacks\": null, \"errbacks\": null, \"chain\": null, \"chord\": null}]";
  return out;
}

// Of the whole process: comparable on a busy machine too.
double cpu_seconds() {
  ::rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

template <class F>
void rate(char const* what, int count, F&& work) {
  auto const from = steady::now();
  auto const cpu = cpu_seconds();
  work();
  auto const s = std::chrono::duration<double>(steady::now() - from).count();
  std::printf("%-28s %9.0f /s  %7.2f us each, %7.2f us of a core\n", what, count / s, s / count * 1e6,
              (cpu_seconds() - cpu) / count * 1e6);
  std::fflush(stdout);
}

template <class T>
T must(expected<T> got) {
  if (!got) std::printf("%s\n", got.error().text().c_str()), std::exit(1);
  if constexpr (!std::is_void_v<T>) return *std::move(got);
}

void publish(broker::producer& to, int count, int batch) {
  std::vector<broker::outgoing> all;
  for (int i = 0; i < batch; ++i) all.push_back(message(i));
  for (int i = 0; i < count; i += batch) must(to.publish(all, 30s));
}

void drain(broker::consumer& from, int count) {
  for (int have = 0; have < count;) {
    auto const got = must(from.claim(256, 10s));
    std::vector<broker::settlement> done;
    for (auto const& d : got) from.started(d.tag), done.push_back({d.tag, broker::disposition::done, {}});
    must(from.settle(done, 10s));
    have += static_cast<int>(got.size());
  }
}

void store_results(backend::result_backend& to, int count) {
  std::vector<wire::result_record> batch(128);
  for (int i = 0; i < count; i += 128) {
    for (auto& r : batch) r.id = new_task_id(), r.status = wire::state::success, r.result = i;
    must(to.store(batch, 24h, 10s));
  }
}

// From just before publish to the claim's return in another thread.
void wake_latency(broker::transport& on) {
  auto producer = must(on.make_producer(5s));
  auto consumer = must(on.make_consumer({{queue_name{"celery"}}, "bench"}, 5s));
  std::vector<double> us;
  std::atomic<steady::rep> sent{0};
  std::atomic<bool> taken{true};
  std::thread receiver{[&] {
    for (int i = 0; i < 500; ++i) {
      auto const got = must(consumer->claim(1, 10s));
      us.push_back(
          std::chrono::duration<double, std::micro>(steady::now().time_since_epoch() - steady::duration{sent.load()})
              .count());
      must(consumer->settle(std::vector<broker::settlement>{{got.at(0).tag, broker::disposition::done, {}}}, 5s));
      taken = true;
    }
  }};
  std::vector<broker::outgoing> const one{message(1)};
  for (int i = 0; i < 500; ++i) {
    while (!taken.exchange(false)) std::this_thread::sleep_for(100us);
    std::this_thread::sleep_for(1ms);
    sent = steady::now().time_since_epoch().count();
    must(producer->publish(one, 5s));
  }
  receiver.join();
  std::sort(us.begin(), us.end());
  std::printf("%-28s %9.0f us median, %.0f us p99, %.0f us max\n", "send to claim", us[250], us[495], us[499]);
}

}  // namespace

int main(int argc, char** argv) {
  std::filesystem::path const directory = argc > 1 ? argv[1] : "store_bench.tmp";
  int const n = argc > 2 ? std::atoi(argv[2]) : 100'000;
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  auto const url = "sqlite:///" + std::filesystem::absolute(directory / "bench.db").string();
  auto transport = must(broker::make_sqlite_transport(broker::at(url), 5s));
  auto backend = must(backend::make_sqlite_backend(backend::at(url), 5s));
  auto producer = must(transport->make_producer(5s));
  rate("publish, batches of 100", n, [&] { publish(*producer, n, 100); });
  {
    auto consumer = must(transport->make_consumer({{queue_name{"celery"}}, "bench"}, 5s));
    rate("claim and settle", n, [&] { drain(*consumer, n); });
    rate("publish one by one", n / 5, [&] { publish(*producer, n / 5, 1); });
    rate("claim and settle again", n / 5, [&] { drain(*consumer, n / 5); });
    std::thread sender{[&] { publish(*producer, n, 100); }};
    rate("publish, claim and settle", n, [&] { drain(*consumer, n); });
    sender.join();
  }
  rate("store results", n, [&] { store_results(*backend, n); });
  wake_latency(*transport);
  std::filesystem::remove_all(directory);
}
