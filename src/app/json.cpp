#include <lovage/error.hpp>
#include <lovage/json.hpp>

#include "wire/serializer.hpp"

namespace lovage {

std::string to_json(value const& v) { return wire::to_json(v).value(); }
value from_json(std::string_view text) { return wire::from_json(text).value(); }

}  // namespace lovage
