// What an SQLSTATE (five letters and digits) means to a program.
#pragma once

#include <lovage/error.hpp>

#include <string_view>

namespace lovage::sql {

[[nodiscard]] errc code_of_sqlstate(std::string_view state) noexcept;
/// What to do about it, as the end of a sentence that begins with "; "; empty where the server's text says enough.
[[nodiscard]] std::string_view fix_of_sqlstate(std::string_view state) noexcept;

}  // namespace lovage::sql
