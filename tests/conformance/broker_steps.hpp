// What tests of a broker do step by step.
#pragma once

#include "broker/transport.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace lovage::broker {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

[[nodiscard]] inline std::chrono::milliseconds since(steady::time_point from) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - from);
}

/// A fixture derives from this.
class broker_steps {
 protected:
  [[nodiscard]] static outgoing message(std::string body, std::string queue = "q") {
    outgoing out;
    out.queue = queue_name{std::move(queue)};
    out.envelope.content_type = "application/json";
    out.envelope.body = std::move(body);
    return out;
  }
  /// Their bodies are "0", "1" and so on.
  [[nodiscard]] static std::vector<outgoing> messages(std::size_t count, std::string const& queue = "q") {
    std::vector<outgoing> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(message(std::to_string(i), queue));
    return out;
  }
  [[nodiscard]] static std::unique_ptr<consumer> consume(transport& on, std::vector<std::string> const& queues = {"q"},
                                                         std::size_t prefetch = 0) {
    consumer_options with;
    for (auto const& q : queues) with.queues.emplace_back(q);
    with.session_name = "test@here";
    with.prefetch = prefetch;
    return on.make_consumer(with, 30s).value();
  }
  static void send(producer& over, std::vector<outgoing> const& what) {
    auto const sent = over.publish(what, 20s);
    ASSERT_TRUE(sent) << sent.error().text();
  }
  /// Fewer at the deadline.
  [[nodiscard]] static std::vector<delivery> take(consumer& from, std::size_t count, deadline until = 30s) {
    std::vector<delivery> out;
    while (out.size() < count && !until.passed()) {
      auto some = from.claim(count - out.size(), until).value();
      std::move(some.begin(), some.end(), std::back_inserter(out));
    }
    return out;
  }
  [[nodiscard]] static std::vector<std::string> bodies(std::vector<delivery> const& of) {
    std::vector<std::string> out;
    for (auto const& d : of) out.push_back(d.envelope.body);
    return out;
  }
  [[nodiscard]] static std::vector<std::string> bodies(consumer& from, std::size_t count, deadline until = 30s) {
    return bodies(take(from, count, until));
  }
  static void settle(consumer& with, std::vector<delivery> const& what, disposition how = disposition::done) {
    std::vector<settlement> all;
    for (auto const& d : what) all.push_back({d.tag, how, "why"});
    auto const done = with.settle(all, 20s);
    ASSERT_TRUE(done) << done.error().text();
  }
  [[nodiscard]] static bool eventually(std::function<bool()> const& so, deadline until = 20s) {
    while (!so()) {
      if (until.passed()) return false;
      std::this_thread::sleep_for(5ms);
    }
    return true;
  }
};

}  // namespace lovage::broker
