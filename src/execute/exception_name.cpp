#include "execute/exception_name.hpp"

#include <array>
#include <utility>

namespace lovage::execute {
namespace {

using row = std::pair<std::string_view, std::string_view>;

constexpr std::array<row, 20> builtins{{
    {"std::invalid_argument", "ValueError"},
    {"std::domain_error", "ValueError"},
    {"std::length_error", "ValueError"},
    {"std::out_of_range", "IndexError"},
    {"std::range_error", "ArithmeticError"},
    {"std::overflow_error", "OverflowError"},
    {"std::underflow_error", "ArithmeticError"},
    {"std::runtime_error", "RuntimeError"},
    {"std::logic_error", "RuntimeError"},
    {"std::bad_alloc", "MemoryError"},
    {"std::bad_cast", "TypeError"},
    {"std::bad_variant_access", "TypeError"},
    {"std::bad_optional_access", "ValueError"},
    {"std::system_error", "OSError"},
    {"std::ios_base::failure[abi:cxx11]", "OSError"},
    {"std::filesystem::__cxx11::filesystem_error", "OSError"},
    {"std::exception", "Exception"},
    {"TypeError", "TypeError"},
    {"MemoryError", "MemoryError"},
    {"RuntimeError", "RuntimeError"},
}};

constexpr std::array<std::string_view, 3> celery_names{"NotRegistered", "TaskRevokedError", "MaxRetriesExceededError"};

}  // namespace

wire::exception_info describe_exception(std::string_view cpp_type, std::string message) {
  for (auto const& [from, to] : builtins)
    if (cpp_type == from) return {std::string{to}, {std::move(message)}, "builtins"};
  for (auto const name : celery_names)
    if (cpp_type == name) return {std::string{name}, {std::move(message)}, "celery.exceptions"};
  std::string module = "lovage";
  for (auto at = cpp_type.find("::"); at != cpp_type.npos && cpp_type.find('<') > at; at = cpp_type.find("::")) {
    module += "." + std::string{cpp_type.substr(0, at)};
    cpp_type.remove_prefix(at + 2);
  }
  return {std::string{cpp_type}, {std::move(message)}, std::move(module)};
}

}  // namespace lovage::execute
