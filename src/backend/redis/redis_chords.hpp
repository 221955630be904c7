// Chords and saved groups in Redis, in the keys that Python's workers count in (wire-format 8).
#pragma once

#include "backend/record_codec.hpp"
#include "backend/redis/keys.hpp"
#include "redis/client.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace lovage::backend::redis {

/// Beside Celery's `.s` (size), `.t` (its correction) and `.j` (parts) stand `.b`, the body, `.c`, which lives as
/// long as the claim on a complete chord, and `.g`, what members added. As the functions of `result_backend`.
/// *Threads*: any.
class redis_chords {
 public:
  redis_chords(std::shared_ptr<lovage::redis::client> on, record_codec codec, key_names names);

  [[nodiscard]] expected<void> start(std::span<chord_start const> chords, std::chrono::seconds expires, deadline until);
  [[nodiscard]] expected<std::vector<chord_end>> count(std::span<chord_part const> parts, std::span<value const> bodies,
                                                       std::chrono::seconds expires, deadline until);
  [[nodiscard]] expected<void> end(std::span<std::string const> groups, deadline until);
  [[nodiscard]] expected<std::vector<chord_end>> claim(std::size_t limit, deadline until);
  [[nodiscard]] expected<void> grow(std::string const& group, std::span<task_id const> added, deadline until);
  [[nodiscard]] expected<value> body(std::string const& group, deadline until);

  [[nodiscard]] expected<void> store(wire::result_tuple const& group, std::chrono::seconds expires, deadline until);
  [[nodiscard]] expected<std::optional<wire::result_tuple>> fetch(std::string const& id, deadline until);
  [[nodiscard]] expected<void> forget(std::string const& id, deadline until);

 private:
  [[nodiscard]] expected<std::string> text_of(value const& v) const { return codec_.writes().write(v, false); }
  [[nodiscard]] expected<chord_end> read_end(std::string group, lovage::redis::reply const& members,
                                             lovage::redis::reply const& body) const;
  [[nodiscard]] expected<chord_part> read_part(std::string const& group, std::string_view member) const;
  [[nodiscard]] expected<value> run(lovage::redis::commands const& what, deadline until) const;

  std::shared_ptr<lovage::redis::client> const client_;
  record_codec const codec_;
  key_names const names_;
  lovage::redis::script const count_, claim_, grow_;
};

}  // namespace lovage::backend::redis
