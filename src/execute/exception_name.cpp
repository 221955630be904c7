#include "execute/exception_name.hpp"

#include <array>
#include <utility>

namespace lovage::execute {
namespace {

using row = std::pair<std::string_view, std::string_view>;

constexpr std::array<row, 32> builtins{{
    {"std::invalid_argument", "ValueError"},
    {"std::domain_error", "ValueError"},
    {"std::length_error", "ValueError"},
    {"std::regex_error", "ValueError"},
    {"std::format_error", "ValueError"},
    {"std::out_of_range", "IndexError"},
    {"std::range_error", "ArithmeticError"},
    {"std::overflow_error", "OverflowError"},
    {"std::underflow_error", "ArithmeticError"},
    {"std::runtime_error", "RuntimeError"},
    {"std::logic_error", "RuntimeError"},
    {"std::future_error", "RuntimeError"},
    {"std::bad_exception", "RuntimeError"},
    {"std::bad_alloc", "MemoryError"},
    {"std::bad_array_new_length", "MemoryError"},
    {"std::bad_cast", "TypeError"},
    {"std::bad_any_cast", "TypeError"},
    {"std::bad_typeid", "TypeError"},
    {"std::bad_function_call", "TypeError"},
    {"std::bad_variant_access", "TypeError"},
    {"std::bad_optional_access", "ValueError"},
    {"std::bad_weak_ptr", "ReferenceError"},
    {"std::system_error", "OSError"},
    {"std::ios_base::failure[abi:cxx11]", "OSError"},
    {"std::filesystem::filesystem_error", "OSError"},
    {"std::filesystem::__cxx11::filesystem_error", "OSError"},
    {"std::exception", "Exception"},
    {"unknown", "Exception"},
    {"TypeError", "TypeError"},
    {"MemoryError", "MemoryError"},
    {"RuntimeError", "RuntimeError"},
    {"OSError", "OSError"},
}};

constexpr std::array<std::string_view, 3> celery_names{"NotRegistered", "TaskRevokedError", "MaxRetriesExceededError"};

}  // namespace

wire::exception_info describe_exception(std::string_view cpp_type, std::string message) {
  // What std::throw_with_nested throws is a class of its own around the one that was given.
  constexpr std::string_view nested = "std::_Nested_exception<";
  if (cpp_type.starts_with(nested) && cpp_type.ends_with('>'))
    cpp_type = cpp_type.substr(nested.size(), cpp_type.size() - nested.size() - 1);
  for (auto const& [from, to] : builtins)
    if (cpp_type == from) return {std::string{to}, {std::move(message)}, "builtins"};
  for (auto const name : celery_names)
    if (cpp_type == name) return {std::string{name}, {std::move(message)}, "celery.exceptions"};
  if (cpp_type == "lovage::soft_time_limit_exceeded") return {"SoftTimeLimitExceeded", {}, "billiard.exceptions"};
  std::string module = "lovage";
  for (auto at = cpp_type.find("::"); at != cpp_type.npos && cpp_type.find('<') > at; at = cpp_type.find("::")) {
    module += "." + std::string{cpp_type.substr(0, at)};
    cpp_type.remove_prefix(at + 2);
  }
  return {std::string{cpp_type}, {std::move(message)}, std::move(module)};
}

wire::exception_info as_exception(error_info const& why) {
  switch (why.code) {
    case errc::not_supported: return {"NotImplementedError", {why.text()}, "builtins"};
    case errc::encode: return {"EncodeError", {why.text()}, "kombu.exceptions"};
    case errc::decode: return {"TypeError", {why.text()}, "builtins"};
    default: return {"OperationalError", {why.text()}, "kombu.exceptions"};
  }
}

}  // namespace lovage::execute
