// A Redis server, a backend on it, and a look behind its back.
#pragma once

#include "backend/redis/redis_backend.hpp"
#include "redis/client.hpp"
#include "redis_server.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>

namespace lovage::backend {

class RedisBackend : public ::testing::Test {
 protected:
  /// On the same server, with settings changed by `change`.
  std::shared_ptr<result_backend> backend_of(std::function<void(settings&)> const& change) const {
    auto with = at(server_.url(2));
    with.connection.connect_timeout = std::chrono::seconds{1};
    with.connection.heartbeat = std::chrono::seconds{60};  // what only a sign of life sets going comes too late
    change(with);
    return make_redis_backend(with, std::chrono::seconds{5}).value();
  }
  redis::reply say(std::initializer_list<std::string_view> words) const {
    redis::commands c;
    c.add(words);
    auto said = client_->run(c, redis::repeat::yes, std::chrono::seconds{10}).value().at(0);
    EXPECT_FALSE(said.is_error()) << said.text;
    return said;
  }
  static wire::result_record record(std::string id, std::string status, value result = {}) {
    wire::result_record r;
    r.id = task_id{std::move(id)};
    r.status = std::move(status);
    r.result = std::move(result);
    return r;
  }
  void store(wire::result_record const& r) const {
    auto const done = on_->store(std::vector{r}, std::chrono::hours{1}, std::chrono::seconds{10});
    ASSERT_TRUE(done) << done.error().text();
  }
  wire::result_record fetch(std::string const& id) const {
    return on_->fetch(std::vector{task_id{id}}, std::chrono::seconds{10}).value().at(0);
  }
  std::set<std::string> channels() const {
    std::set<std::string> out;
    for (auto const& item : say({"PUBSUB", "CHANNELS"}).items) out.insert(item.text);
    return out;
  }
  void wait_for_channels(std::set<std::string> const& wanted) const {
    for (auto const until = deadline::in(std::chrono::seconds{20}); channels() != wanted;)
      ASSERT_FALSE(until.passed()) << channels().size() << " channels, not " << wanted.size();
  }
  int calls_of(std::string const& command) const {
    auto const stats = say({"INFO", "commandstats"}).text;
    auto const at = stats.find("cmdstat_" + command + ":calls=");
    return at == std::string::npos ? 0 : std::stoi(stats.substr(at + command.size() + 15));
  }
  int pubsub_clients() const {
    auto const list = say({"CLIENT", "LIST", "TYPE", "pubsub"}).text;
    return static_cast<int>(std::count(list.begin(), list.end(), '\n'));
  }

  testing::redis_server server_;
  std::unique_ptr<redis::client> client_ = [this] {
    connection_settings with;
    with.urls = server_.url(2);
    return redis::client::make(with).value();
  }();
  std::shared_ptr<result_backend> on_ = backend_of([](settings&) {});
};

}  // namespace lovage::backend
