// What is not to run, as brokers keep it for workers that are away.
#pragma once

#include "core/clock.hpp"

#include <lovage/expected.hpp>

#include <string>
#include <string_view>

namespace lovage::broker {

/// Tasks of this id, or with this value of this stamped header.
struct revocation {
  std::string stamp = {};  ///< the header's name; empty: `text` is an id
  std::string text;
  time_point until{};  ///< forgotten then

  friend bool operator==(revocation const&, revocation const&) = default;
};

/// `<until, us since 1970> <length of stamp>:<stamp><text>`
[[nodiscard]] std::string write_revocation(revocation const& r);
/// Error `decode` for text that write_revocation did not make.
[[nodiscard]] expected<revocation> read_revocation(std::string_view text);

}  // namespace lovage::broker
