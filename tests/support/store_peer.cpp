// Another process on a broker, for tests that stop and kill it.
//
//   store_peer hold URL QUEUE COUNT STARTED   claims COUNT, begins STARTED of them, says "held"; settles them when it
//                                             is told how, with a line of input "done", "requeue", "release" or "bury"
//                                             for each, the last for the rest too; says "settled"
//   store_peer fork URL QUEUE COUNT           claims and begins COUNT in a process whose forked child outlives it; says
//                                             the child's pid
//   store_peer send URL QUEUE COUNT           publishes COUNT one by one; their bodies are "<pid>-<i>"
//   store_peer shout URL EXCHANGE BODY        publishes one message to an exchange
//   store_peer drain URL QUEUE                settles until nothing came for a second; says how many
//
// At the end of each may stand transport options: name=seconds.
#include "broker/postgres/postgres_transport.hpp"
#include "broker/redis/redis_transport.hpp"
#include "broker/sqlite/sqlite_transport.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

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

broker::disposition disposition_of(std::string const& word) {
  using how = broker::disposition;
  return word == "requeue" ? how::requeue : word == "release" ? how::release : word == "bury" ? how::bury : how::done;
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
  std::string line;
  while (!with_child && std::getline(std::cin, line)) {
    std::istringstream words{line};
    std::string word;
    std::vector<broker::settlement> all;
    for (auto const& d : got) {
      words >> word;
      all.push_back({d.tag, disposition_of(word), "why"});
    }
    must(from->settle(all, 10s));
    say("settled");
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

int shout(broker::transport& on, std::string const& exchange, std::string const& body) {
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

/// What stands at the end as name=seconds; taken off.
value::map options_of(std::vector<std::string>& words) {
  value::map out;
  for (; words.back().find('=') != std::string::npos; words.pop_back()) {
    auto const& word = words.back();
    auto const at = word.find('=');
    out.push_back({word.substr(0, at), std::atof(word.c_str() + at + 1)});
  }
  return out;
}

std::shared_ptr<broker::transport> open(std::string const& url, value::map options) {
  auto with = broker::at(url);
  with.connection.options = std::move(options);
  if (url.starts_with("postgresql")) return must(broker::make_postgres_transport(std::move(with), 30s));
  return must(url.starts_with("redis") ? broker::make_redis_transport(std::move(with), 30s)
                                       : broker::make_sqlite_transport(std::move(with), 30s));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::vector<std::string> words{argv + 1, argv + argc};
  auto options = options_of(words);
  auto const number = [&](std::size_t i) { return i < words.size() ? std::stoul(words[i]) : 0; };
  auto const& what = words[0];
  queue_name const queue{words[2]};
  auto const on = open(words[1], std::move(options));
  if (what == "hold") return hold(*on, queue, number(3), number(4), false);
  if (what == "fork") return hold(*on, queue, number(3), number(3), true);
  if (what == "send") return send(*on, queue, number(3));
  if (what == "shout" && words.size() > 3) return shout(*on, words[2], words[3]);
  if (what == "drain") return drain(*on, queue);
  return 2;
}
