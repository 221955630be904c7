// What the tests of the Redis broker share: a server for each, and what can be seen of it.
#pragma once

#include "broker/redis/redis_transport.hpp"
#include "broker_steps.hpp"
#include "redis/client.hpp"
#include "redis_server.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::broker {

/// Says these words to the server and gives its answer.
[[nodiscard]] lovage::redis::reply ask(std::string const& url, std::vector<std::string_view> const& words,
                                       lovage::redis::repeat again = lovage::redis::repeat::no);

class RedisBroker : public ::testing::Test, protected broker_steps {
 protected:
  /// Short, but no living holder is so late on a busy machine.
  static constexpr std::chrono::milliseconds lease = 1'000ms;
  [[nodiscard]] static double seconds_of(std::chrono::duration<double> of) { return of.count(); }

  [[nodiscard]] settings here(value::map options = {}, int database = 0) const;
  [[nodiscard]] static std::shared_ptr<transport> make(settings with) {
    return make_redis_transport(std::move(with), 10s).value();
  }
  /// Makes `on_` and `producer_`.
  void open(settings with);
  void open(value::map options = {}) { open(here(std::move(options))); }
  void open_with_short_lease() { open({{"lovage_lease", seconds_of(lease)}}); }

  [[nodiscard]] std::unique_ptr<consumer> consume(std::vector<std::string> const& queues = {"q"}) const {
    return broker_steps::consume(*on_, queues);
  }
  [[nodiscard]] expected<void> publish(std::vector<outgoing> const& what, deadline until = 20s) const {
    return producer_->publish(what, until);
  }
  void send(std::vector<outgoing> const& what) const { broker_steps::send(*producer_, what); }
  /// Waits as long as a message that must not come is waited for.
  static void expect_nothing(consumer& from, deadline until = 100ms) {
    EXPECT_EQ(bodies(from, 1, until), std::vector<std::string>{});
  }

  [[nodiscard]] lovage::redis::reply ask(std::vector<std::string_view> const& words, int database = 0) const {
    return broker::ask(server_.url(database), words);
  }
  [[nodiscard]] std::int64_t number(std::vector<std::string_view> const& words, int database = 0) const {
    return ask(words, database).integer;
  }
  [[nodiscard]] std::set<std::string> keys(int database = 0) const;
  /// Of all keys, those without an expiry.
  [[nodiscard]] std::set<std::string> lasting_keys() const;
  /// How many times the server was asked each command, by clients and within scripts, since `forget_calls`.
  [[nodiscard]] std::map<std::string, int> calls() const;
  void forget_calls() const { (void)ask({"CONFIG", "RESETSTAT"}); }
  void configure(std::string const& name, std::string const& value) const;

  testing::redis_server server_;
  std::shared_ptr<transport> on_;
  std::unique_ptr<producer> producer_;
};

}  // namespace lovage::broker
