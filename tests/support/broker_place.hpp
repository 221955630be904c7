// Each broker, for tests that hold on all of them: a place of the test's own where messages and results are kept.
#pragma once

#include "postgres_server.hpp"
#include "rabbitmq_server.hpp"
#include "redis_server.hpp"
#include "store_place.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lovage::testing {

inline constexpr char const* every_broker[] = {"memory", "sqlite", "redis", "rabbitmq", "postgres"};

/// RabbitMQ takes seconds to start: one for the whole program, and a virtual host for each place.
[[nodiscard]] inline rabbitmq_server& shared_rabbitmq() {
  static auto const one = std::make_unique<rabbitmq_server>();
  return *one;
}

/// Empty when it is made, gone with the object. *Requires*: as `redis_server`, made by the test's own thread.
class broker_place {
 public:
  /// "memory", "sqlite", "redis", "rabbitmq" or "postgres".
  explicit broker_place(std::string_view kind) {
    if (kind == "memory") {
      broker_ = results_ = "memory://" + random_uuid().str();
    } else if (kind == "redis") {
      broker_ = results_ = redis_.emplace().url();
    } else if (kind == "sqlite" || kind == "rabbitmq" || kind == "postgres") {
      broker_ = results_ = file_.url();
      if (kind == "postgres") broker_ = shared_postgres().fresh_database();
      if (kind == "rabbitmq") broker_ = shared_rabbitmq().url(shared_rabbitmq().fresh_vhost());
    } else {
      throw std::invalid_argument{"no such broker: " + std::string{kind}};
    }
  }

  [[nodiscard]] std::string const& broker_url() const noexcept { return broker_; }
  /// RabbitMQ keeps none, and with PostgreSQL it need not: there it is a file.
  [[nodiscard]] std::string const& result_backend() const noexcept { return results_; }
  /// For files of the test's own.
  [[nodiscard]] std::filesystem::path const& directory() const noexcept { return file_.directory(); }

 private:
  store_place file_;
  std::optional<redis_server> redis_;
  std::string broker_, results_;
};

}  // namespace lovage::testing
