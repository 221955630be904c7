// C++ exceptions under the names that other languages know.
#pragma once

#include "wire/result_record.hpp"

#include <string>
#include <string_view>

namespace lovage::execute {

/// The standard exceptions become Python's builtins that mean the same ("std::invalid_argument" -> ValueError), so that
/// a Python client can catch them. Others keep their class name; their namespace, behind "lovage.", is the module: no
/// Python module of that name exists, so no client imports anything on our word.
[[nodiscard]] wire::exception_info describe_exception(std::string_view cpp_type, std::string message);

/// An error of the library's own as the exception that Celery has for it.
[[nodiscard]] wire::exception_info as_exception(error_info const& why);

}  // namespace lovage::execute
