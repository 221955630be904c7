// To whom a request is addressed, and where remote control's messages travel.
#pragma once

#include "broker/topology.hpp"
#include "wire/control.hpp"

#include <lovage/config.hpp>

#include <string>

namespace lovage::work {

/// By destination, else by pattern (`glob`, also when no matcher is named, or `pcre`: an ECMAScript expression of at
/// most 512 characters, from the name's start on); without both it is for everybody. Nobody fits a matcher or an
/// expression that is none.
[[nodiscard]] bool is_for(wire::control_request const& request, std::string const& node);

}  // namespace lovage::work
