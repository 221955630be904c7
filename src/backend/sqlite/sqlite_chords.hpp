// Chords and saved groups in the embedded store.
#pragma once

#include "backend/result_backend.hpp"
#include "store/database.hpp"

#include <span>
#include <string>
#include <vector>

namespace lovage::backend {

/// As the functions of `result_backend`; each within a transaction of the caller's. Times are microseconds since 1970,
/// `end` 0: kept for ever. Throws `store::sql_failure`. *Threads*: the database's.
class sqlite_chords {
 public:
  explicit sqlite_chords(store::database& on) : db_{on} {}

  void start(std::span<chord_start const> chords, std::int64_t end);
  [[nodiscard]] std::vector<chord_end> count(std::span<chord_part const> parts, std::span<value const> bodies,
                                             std::int64_t end, std::int64_t now);
  void end(std::span<std::string const> groups, std::int64_t now);
  [[nodiscard]] std::vector<chord_end> claim(std::size_t limit, std::int64_t now);
  void grow(std::string const& group, std::span<task_id const> added);
  [[nodiscard]] value body(std::string const& group);

  void store(wire::result_tuple const& group, std::int64_t end);
  [[nodiscard]] std::optional<wire::result_tuple> fetch(std::string const& id, std::int64_t now);
  void forget(std::string const& id);
  [[nodiscard]] std::uint64_t cleanup(std::int64_t now);

 private:
  [[nodiscard]] bool is_over(std::string const& group);
  void forget_chord(std::string const& group);
  void count_one(chord_part const& part, std::int64_t end, std::int64_t now);
  /// False when parts are missing or somebody else has the claim.
  [[nodiscard]] bool take_claim(std::string const& group, value const& body, std::int64_t now);
  [[nodiscard]] chord_end read(std::string const& group);

  store::database& db_;
};

}  // namespace lovage::backend
