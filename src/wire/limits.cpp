#include "wire/limits.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace lovage::wire {

namespace {

bool has_equal_keys(value::map const& m) {
  if (m.size() <= 16) {
    for (std::size_t i = 1; i < m.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (m[i].key == m[j].key) return true;
    return false;
  }
  std::vector<std::string_view> keys;
  keys.reserve(m.size());
  for (auto const& member : m) keys.emplace_back(member.key);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

}  // namespace

std::string nested_too_deep() { return "nested deeper than " + std::to_string(max_nesting) + " levels"; }

void keep_last_of_equal_keys(value::map& m) {
  if (!has_equal_keys(m)) return;
  value::map kept;
  kept.reserve(m.size());  // the views below point into it
  std::unordered_map<std::string_view, std::size_t> places;
  for (auto& member : m) {
    if (auto const found = places.find(member.key); found != places.end()) {
      kept[found->second].val = std::move(member.val);
    } else {
      kept.push_back(std::move(member));
      places.emplace(kept.back().key, kept.size() - 1);
    }
  }
  m = std::move(kept);
}

}  // namespace lovage::wire
