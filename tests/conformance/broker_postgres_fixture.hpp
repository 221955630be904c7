// What the tests of the PostgreSQL broker share: one server, emptied for each, and what can be seen of it.
#pragma once

#include "broker/postgres/postgres_transport.hpp"
#include "broker_steps.hpp"
#include "child.hpp"
#include "postgres_server.hpp"
#include "sql/postgres_session.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::broker {

/// The server's database without the schema lovage.
[[nodiscard]] std::string emptied(testing::postgres_server& server);

class PostgresBroker : public ::testing::Test, protected broker_steps {
 protected:
  /// Short, but no living holder is so late on a busy machine.
  static constexpr double lease = 2.0;

  void SetUp() override { open({{"lovage_lease", lease}}); }
  void open(value::map options);
  [[nodiscard]] settings here(value::map options = {}) const;

  [[nodiscard]] std::unique_ptr<consumer> consume(std::vector<std::string> const& queues = {"q"}) const {
    return broker_steps::consume(*on_, queues);
  }
  void send(std::vector<outgoing> const& what) const { broker_steps::send(*producer_, what); }
  /// SQL beside lovage's back.
  std::vector<sql::row> ask(std::string_view statement) const;
  [[nodiscard]] std::int64_t number(std::string_view statement) const;
  /// Ends every other connection, as a restart or a firewall does.
  void cut_connections() const;
  [[nodiscard]] std::vector<std::string> peer(std::vector<std::string> words) const;

  testing::postgres_server& server_ = testing::shared_postgres();
  std::string url_ = emptied(server_);
  std::unique_ptr<sql::postgres_session> sql_ = sql::postgres_session::open(url_, 20s).value();
  std::shared_ptr<transport> on_;
  std::unique_ptr<producer> producer_;
  std::unique_ptr<inspector> inspector_;
};

}  // namespace lovage::broker
