#include "config/masking.hpp"

#include "config/config_access.hpp"
#include "config/settings.hpp"
#include "config/url.hpp"

namespace lovage::settings {
namespace {

constexpr std::string_view eight_stars = "********";

}  // namespace

value masked(value const& v, std::string_view mask) {
  if (auto const* s = v.get_if<std::string>()) {
    auto text = mask_url(*s);
    if (auto const at = text.find(":**@"); text != *s && at != text.npos) text.replace(at + 1, 2, mask);
    return value{std::move(text)};
  }
  if (auto const* items = v.get_if<value::list>()) {
    value::list out;
    for (auto const& item : *items) out.push_back(masked(item, mask));
    return value{std::move(out)};
  }
  if (auto const* members = v.get_if<value::map>()) {
    value::map out;
    for (auto const& [key, item] : *members)
      out.push_back({key, is_secret_member(key) && !item.is_null() ? value{mask} : masked(item, mask)});
    return value{std::move(out)};
  }
  return v;
}

value::map table_of(config const& c, bool with_defaults) {
  value::map out;
  for (auto const& row : table()) {
    if (!row.in_effect || !(with_defaults || c.is_set(row.name))) continue;
    auto v = config_access::effective(c, row);
    if (auto const* text = v.get_if<std::string>(); text && text->empty()) v = {};  // Celery's None
    bool const hidden = is_secret(row.name) && !v.is_null();
    out.push_back({std::string{row.name}, hidden ? value{eight_stars} : masked(v, eight_stars)});
  }
  return out;
}

}  // namespace lovage::settings
