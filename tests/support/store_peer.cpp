// Another process on a store, for tests that stop and kill it.
//
//   store_peer hold URL QUEUE COUNT STARTED   claims COUNT, begins STARTED of them, says "held" and sleeps
//   store_peer fork URL QUEUE COUNT           the same, in a process whose forked child outlives it; says its pid
//   store_peer send URL QUEUE COUNT           publishes COUNT one by one; their bodies are "<pid>-<i>"
//   store_peer shout URL EXCHANGE BODY        publishes one message to an exchange
//   store_peer drain URL QUEUE                settles until nothing came for a second; says how many
#include "broker/sqlite/sqlite_transport.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace lovage;
using namespace std::chrono_literals;

template <class T>
T must(expected<T> got) {
  if (!got) std::fprintf(stderr, "%s\n", got.error().text().c_str()), std::exit(1);
  if constexpr (!std::is_void_v<T>) return *std::move(got);
}

void say(std::string const& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

int hold(broker::transport& on, queue_name const& queue, std::size_t count, std::size_t started, bool with_child) {
  auto const from = must(on.make_consumer({{queue}, "peer"}, 10s));
  auto const got = must(from->claim(count, 10s));
  for (std::size_t i = 0; i < started && i < got.size(); ++i) from->started(got[i].tag);
  if (with_child) {
    auto const child = ::fork();
    if (child == 0)
      for (;;) ::pause();
    say(std::to_string(child));
  } else {
    say("held " + std::to_string(got.size()));
  }
  for (;;) ::pause();
}

int send(broker::transport& on, queue_name const& queue, std::size_t count) {
  auto const to = must(on.make_producer(30s));
  for (std::size_t i = 0; i < count; ++i) {
    broker::outgoing m;
    m.queue = queue;
    m.envelope.body = std::to_string(::getpid()) + "-" + std::to_string(i);
    must(to->publish(std::vector{m}, 30s));
  }
  return 0;
}

int shout(broker::transport& on, char const* exchange, char const* body) {
  broker::outgoing m;
  m.exchange = exchange;
  m.envelope.body = body;
  must(must(on.make_producer(30s))->publish(std::vector{m}, 30s));
  return 0;
}

int drain(broker::transport& on, queue_name const& queue) {
  auto const from = must(on.make_consumer({{queue}, "peer"}, 30s));
  std::size_t total = 0;
  for (;;) {
    auto const got = must(from->claim(16, 1s));
    if (got.empty()) break;
    std::vector<broker::settlement> done;
    for (auto const& d : got) done.push_back({d.tag, broker::disposition::done, {}});
    must(from->settle(done, 30s));
    total += got.size();
  }
  say(std::to_string(total));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::string const what = argv[1];
  queue_name const queue{argv[3]};
  auto const number = [&](int i) { return argc > i ? static_cast<std::size_t>(std::atoll(argv[i])) : 0; };
  auto const on = must(broker::make_sqlite_transport(broker::at(argv[2]), 30s));
  if (what == "hold") return hold(*on, queue, number(4), number(5), false);
  if (what == "fork") return hold(*on, queue, number(4), number(4), true);
  if (what == "send") return send(*on, queue, number(4));
  if (what == "shout" && argc > 4) return shout(*on, argv[3], argv[4]);
  if (what == "drain") return drain(*on, queue);
  return 2;
}
