#include "worker/recent_calls.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace lovage::work {

recent_calls::recent_calls(std::size_t most)
    : most_{std::min<std::size_t>(most, nowhere)}, heads_(std::bit_ceil(std::max<std::size_t>(most_, 1)), nowhere) {
  ring_.reserve(most_);
  next_.reserve(most_);
}

// The library's own hash, and FNV-1a, which has nothing in common with it.
recent_calls::digest recent_calls::digest_of(std::string_view key) {
  std::uint64_t fnv = 0xcbf29ce484222325;
  for (char const c : key) fnv = (fnv ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return {std::hash<std::string_view>{}(key), fnv};
}

bool recent_calls::contains(digest const& d) const {
  auto at = heads_[d.first & (heads_.size() - 1)];
  while (at != nowhere && ring_[at] != d) at = next_[at];
  return at != nowhere;
}

bool recent_calls::contains(std::string_view key) const { return contains(digest_of(key)); }

void recent_calls::add(std::string_view key) {
  auto const d = digest_of(key);
  if (most_ == 0 || contains(d)) return;
  auto to = static_cast<place>(ring_.size());
  if (ring_.size() < most_) {
    ring_.push_back(d);
    next_.push_back(nowhere);
  } else {
    to = static_cast<place>(oldest_);
    oldest_ = (oldest_ + 1) % most_;
    unlink(to);
    ring_[to] = d;
  }
  auto& head = head_of(d);
  next_[to] = head;
  head = to;
}

void recent_calls::unlink(place what) {
  auto* link = &head_of(ring_[what]);
  while (*link != what) link = &next_[*link];
  *link = next_[what];
}

}  // namespace lovage::work
