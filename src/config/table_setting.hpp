// Settings that are a list or a map of things with options: `task_queues`, `task_routes`.
#pragma once

#include "config/parse_value.hpp"
#include "config/setting_text.hpp"

#include <string_view>

namespace lovage::settings {

/// The canonical form of `v`: a list, a map, or (where texts may stand for any type) a text that `of_text` makes one of
/// them. `Table` is made with `how`, takes either by `add_all`, and gives the canonical form by `take`.
template <class Table>
[[nodiscard]] expected<value> check_table(setting const& row, value const& v, texts how,
                                          expected<value> (*of_text)(std::string_view)) {
  value given = v;
  if (auto const* s = v.get_if<std::string>(); s && how == texts::any_type) {
    auto parsed = of_text(trim(*s));
    if (!parsed) return wrong(row, v, parsed.error().detail);
    given = *std::move(parsed);
  }
  Table table{how};
  expected<void> ok;
  if (auto const* list = given.get_if<value::list>()) {
    ok = table.add_all(*list);
  } else if (auto const* map = given.get_if<value::map>()) {
    ok = table.add_all(*map);
  } else {
    return wrong(row, v);
  }
  if (!ok) return wrong(row, v, ok.error().detail);
  return table.take();
}

}  // namespace lovage::settings
