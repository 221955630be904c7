#pragma once

namespace lovage::broker::postgres_broker {

/// The statements that make the functions of the schema.
[[nodiscard]] char const* functions();

}  // namespace lovage::broker::postgres_broker
