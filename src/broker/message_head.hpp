// The part of an envelope beside its body, as MessagePack: what the embedded store keeps in `head`.
#pragma once

#include "wire/envelope.hpp"

#include <lovage/expected.hpp>

#include <string>
#include <string_view>

namespace lovage::broker {

[[nodiscard]] std::string write_head(wire::envelope const& e);
/// Fills everything but the body. Error `decode` for bytes that write_head did not make.
[[nodiscard]] expected<void> read_head(std::string_view bytes, wire::envelope& into);

}  // namespace lovage::broker
