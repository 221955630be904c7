// Chords and saved groups in memory; what the other drivers are measured by.
#pragma once

#include "backend/result_backend.hpp"

#include <map>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace lovage::backend {

/// As the functions of `result_backend`. *Threads*: one at a time.
class chord_book {
 public:
  void start(std::span<chord_start const> chords, std::chrono::seconds expires, time_point now);
  [[nodiscard]] std::vector<chord_end> count(std::span<chord_part const> parts, std::span<value const> bodies,
                                             std::chrono::seconds expires, time_point now);
  void end(std::span<std::string const> groups, time_point now);
  [[nodiscard]] std::vector<chord_end> claim(std::size_t limit, time_point now);
  void grow(std::string const& group, std::span<task_id const> added);
  [[nodiscard]] value body(std::string const& group) const;

  void store(wire::result_tuple const& group, std::chrono::seconds expires, time_point now);
  [[nodiscard]] std::optional<wire::result_tuple> fetch(std::string const& id, time_point now) const;
  void forget(std::string const& id) { saved_.erase(id); }
  [[nodiscard]] std::uint64_t cleanup(time_point now);

 private:
  struct chord {
    std::optional<std::int64_t> size;  ///< none: parts came before it was started
    value body;
    std::vector<chord_part> parts;
    std::unordered_set<std::string> counted;
    std::unordered_set<std::string> added;  ///< by members
    std::optional<time_point> claimed_until, expires;
    bool over = false;  ///< its body is sent
  };
  struct saved {
    wire::result_tuple group;
    std::optional<time_point> expires;
  };
  [[nodiscard]] static chord_end claim(std::string const& group, chord& c, time_point now);

  std::map<std::string, chord> chords_;
  std::map<std::string, saved> saved_;
};

}  // namespace lovage::backend
