// A call of this program's as a signature inside another message.
#include "app/signature_message.hpp"

#include <lovage/signature_value.hpp>

namespace lovage::detail {

expected<wire::signature> signature_of(raw_call const& call) {
  try {
    return wire::signature::from_value(signature_value(call));
  } catch (error const& e) {
    return fail(e.info());
  }
}

expected<wire::embed> embed_of(call_options const& o) {
  wire::embed out;
  try {
    for (auto const& then : o.links_) out.callbacks.push_back(signature_value(*then));
    for (auto const& then : o.error_links_) out.errbacks.push_back(signature_value(*then));
  } catch (error const& e) {
    return fail(e.info());
  }
  return out;
}

}  // namespace lovage::detail
