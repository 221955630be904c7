// The API's description, made of the routes themselves.
#pragma once

#include "web/router.hpp"

#include <span>

namespace lovage::web {

/// An OpenAPI 3.1 document.
[[nodiscard]] value openapi_of(std::span<route const> routes);
/// The same as text with line breaks, for docs/reference/openapi.json.
[[nodiscard]] std::string openapi_text(std::span<route const> routes);

}  // namespace lovage::web
