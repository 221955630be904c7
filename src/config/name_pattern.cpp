#include "config/name_pattern.hpp"

#include <fnmatch.h>

namespace lovage {
namespace {

// libstdc++ descends once per bracket when it compiles, and once per character when it matches.
constexpr std::size_t longest_expression = 512, longest_name = 1024;

}  // namespace

expected<name_pattern> name_pattern::compile(std::string_view text) {
  name_pattern out;
  out.text_ = text;
  if (text.size() < 2 || !text.starts_with('/') || !text.ends_with('/')) {
    out.glob_ = text.find_first_of("*?[\\") != text.npos;
    return out;
  }
  if (text.size() > longest_expression)
    return fail(errc::bad_config, "a regular expression is longer than 512 characters");
  try {
    out.expression_ = std::make_shared<std::regex const>(std::string{text.substr(1, text.size() - 2)});
  } catch (std::regex_error const& e) {
    return fail(errc::bad_config, "\"" + std::string{text} + "\" is no regular expression: " + e.what());
  }
  return out;
}

bool name_pattern::matches(std::string const& name) const {
  if (!expression_) return glob_ ? ::fnmatch(text_.c_str(), name.c_str(), 0) == 0 : name == text_;
  if (name.size() > longest_name) return false;
  try {
    return std::regex_search(name, *expression_, std::regex_constants::match_continuous);
  } catch (std::regex_error const&) {  // it would take for ever
    return false;
  }
}

}  // namespace lovage
