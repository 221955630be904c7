#include "beat/row.hpp"

#include "core/log.hpp"

#include <set>

namespace lovage::beats {
namespace {

bool is_own(origin o) { return o == origin::code || o == origin::configuration; }

// What is written cannot always be read: by an older program, say. Then it counts as another one.
std::string schedule_in(std::string const& name, std::string const& definition) {
  auto const e = entry_of(name, definition);
  return e ? e->when.text() : std::string{};
}

}  // namespace

entry_row row_after_put(entry const& e, entry_row const* before, time_point now) {
  entry_row out{definition_text(e), e.from, e.enabled, now};
  if (before == nullptr || (e.enabled && !before->enabled)) return out;
  if (before->definition == out.definition || schedule_in(e.name, before->definition) == e.when.text())
    out.counts_from = before->counts_from;
  return out;
}

sync_plan plan_sync(std::span<entry const> own, entry_rows const& before, time_point now) {
  sync_plan out;
  std::set<std::string_view> names;
  for (auto const& e : own) {
    names.insert(e.name);
    auto const there = before.find(e.name);
    if (there == before.end()) {
      out.put.emplace_back(e.name, row_after_put(e, nullptr, now));
      continue;
    }
    auto kept = e;
    kept.enabled = there->second.enabled;
    auto row = row_after_put(kept, &there->second, now);
    if (row.definition != there->second.definition || row.from != there->second.from)
      out.put.emplace_back(e.name, std::move(row));
  }
  for (auto const& [name, row] : before)
    if (is_own(row.from) && !names.contains(name)) out.remove.push_back(name);
  return out;
}

expected<void> check_put(put_mode mode, std::string_view name, bool there) {
  if (mode == put_mode::make && there)
    return fail(errc::conflict, "there is a periodic task '" + std::string{name} + "' already; edit it, or remove it");
  if (mode == put_mode::change && !there)
    return fail(errc::invalid_argument, "there is no periodic task '" + std::string{name} + "'; 'list' shows them");
  return {};
}

std::optional<entry> entry_of_row(std::string name, entry_row const& row) {
  auto e = entry_of(std::move(name), row.definition);
  if (!e) {
    log::error("beat: a stored entry cannot be read and is passed over: " + e.error().text());
    return std::nullopt;
  }
  e->from = row.from;
  e->enabled = row.enabled;
  e->counts_from = row.counts_from;
  return *std::move(e);
}

}  // namespace lovage::beats
