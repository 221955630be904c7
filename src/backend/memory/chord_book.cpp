#include "backend/memory/chord_book.hpp"

#include <algorithm>
#include <limits>

namespace lovage::backend {
namespace {

std::optional<time_point> end_of(std::chrono::seconds expires, time_point now) {
  return expires.count() > 0 ? std::optional{now + expires} : std::nullopt;
}

bool is_over(std::optional<time_point> const& end, time_point now) { return end && *end <= now; }

std::int64_t place_of(chord_part const& p) { return p.index.value_or(std::numeric_limits<std::int64_t>::max()); }

}  // namespace

void chord_book::start(std::span<chord_start const> chords, std::chrono::seconds expires, time_point now) {
  for (auto const& s : chords) {
    auto& c = chords_[s.group];
    if (c.over) continue;
    c.size = s.size;
    if (!s.body.is_null()) c.body = s.body;
    c.expires = end_of(expires, now);
  }
}

chord_end chord_book::claim(std::string const& group, chord& c, time_point now) {
  c.claimed_until = now + chord_claim;
  chord_end out{group, c.parts, c.body, std::nullopt};
  std::stable_sort(out.parts.begin(), out.parts.end(),
                   [](chord_part const& a, chord_part const& b) { return place_of(a) < place_of(b); });
  return out;
}

std::vector<chord_end> chord_book::count(std::span<chord_part const> parts, std::span<value const> bodies,
                                         std::chrono::seconds expires, time_point now) {
  std::vector<chord_end> out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto const& p = parts[i];
    auto& c = chords_[p.group];
    if (c.over) continue;
    c.expires = end_of(expires.count() == 0 && !c.size ? stray_parts : expires, now);
    if (c.counted.insert(p.id.str()).second) c.parts.push_back(p);
    bool const complete = c.size && static_cast<std::int64_t>(c.parts.size()) >= *c.size;
    if (!complete || (c.claimed_until && *c.claimed_until > now)) continue;
    if (c.body.is_null()) c.body = bodies[i];
    out.push_back(claim(p.group, c, now));
    out.back().by = i;
  }
  return out;
}

void chord_book::end(std::span<std::string const> groups, time_point now) {
  for (auto const& g : groups) {
    chord over;
    over.over = true;
    over.expires = now + chord_over;
    chords_.insert_or_assign(g, std::move(over));
  }
}

std::vector<chord_end> chord_book::claim(std::size_t limit, time_point now) {
  std::vector<chord_end> out;
  for (auto& [group, c] : chords_) {
    if (out.size() == limit) break;
    if (is_over(c.claimed_until, now)) out.push_back(claim(group, c, now));
  }
  return out;
}

void chord_book::grow(std::string const& group, std::span<task_id const> added) {
  auto const at = chords_.find(group);
  if (at == chords_.end() || !at->second.size) return;
  for (auto const& id : added) *at->second.size += at->second.added.insert(id.str()).second ? 1 : 0;
}

value chord_book::body(std::string const& group) const {
  auto const at = chords_.find(group);
  return at == chords_.end() ? value{} : at->second.body;
}

void chord_book::store(wire::result_tuple const& group, std::chrono::seconds expires, time_point now) {
  saved_.insert_or_assign(group.id, saved{group, end_of(expires, now)});
}

std::optional<wire::result_tuple> chord_book::fetch(std::string const& id, time_point now) const {
  auto const at = saved_.find(id);
  if (at == saved_.end() || is_over(at->second.expires, now)) return std::nullopt;
  return at->second.group;
}

std::uint64_t chord_book::cleanup(time_point now) {
  auto const over = [&](auto const& entry) { return is_over(entry.second.expires, now); };
  return std::erase_if(chords_, over) + std::erase_if(saved_, over);
}

}  // namespace lovage::backend
