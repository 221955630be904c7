// Where results stand in Redis.
#pragma once

#include "redis/client.hpp"

#include <lovage/deadline.hpp>
#include <lovage/expected.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lovage::backend::redis {

/// Keys of results, as Celery names them, behind the `global_keyprefix` of the transport options. A result's channel
/// bears the name of its key.
class key_names {
 public:
  [[nodiscard]] static expected<key_names> read(value::map const& transport_options);
  [[nodiscard]] std::string result(std::string_view id) const { return results_ + std::string{id}; }
  /// Of a saved group; with ".j", ".s", ".t" behind it, of the chord that has this group as its header.
  [[nodiscard]] std::string group(std::string_view id) const { return groups_ + std::string{id}; }
  /// lovage's own: chords whose body is to be sent, by the moment when the claim on it ends.
  [[nodiscard]] std::string const& claims() const noexcept { return claims_; }
  /// lovage's own: which sending of a task runs.
  [[nodiscard]] std::string run(std::string_view id) const { return runs_ + std::string{id}; }
  /// The id in a name made by `result`.
  [[nodiscard]] std::string_view id_of(std::string_view name) const {
    return name.substr(std::min(results_.size(), name.size()));
  }

 private:
  std::string results_, groups_, claims_, runs_;
};

/// One key per id.
struct stored_bytes {
  std::string id;
  std::optional<std::string> record;
};
/// MGET, in as few commands as are wise, in one round trip.
[[nodiscard]] expected<std::vector<stored_bytes>> read_stored(lovage::redis::client& from, key_names const& names,
                                                              std::vector<std::string> ids, lovage::redis::repeat again,
                                                              deadline until);

}  // namespace lovage::backend::redis
