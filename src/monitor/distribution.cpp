#include "monitor/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lovage::monitor {
namespace {

constexpr double smallest = 1e-6, growth = 13.0 / 12.0;
constexpr std::uint32_t places = 384;

void put(std::string& out, std::uint32_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

std::optional<std::uint32_t> take_number(std::string_view& from) {
  std::uint32_t v = 0;
  for (int shift = 0; shift < 35 && !from.empty(); shift += 7) {
    auto const c = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    v |= static_cast<std::uint32_t>(c & 0x7f) << shift;
    if (c < 0x80) return v;
  }
  return std::nullopt;
}

}  // namespace

void distribution::add(double seconds) {
  if (!(seconds >= 0)) return;
  auto const place = seconds <= smallest ? 0.0 : std::log(seconds / smallest) / std::log(growth);
  add(static_cast<std::uint32_t>(std::min(place, double{places - 1})), 1);
}

void distribution::add(std::uint32_t place, std::uint32_t n) {
  auto const at = std::lower_bound(buckets_.begin(), buckets_.end(), place,
                                   [](bucket const& b, std::uint32_t p) { return b.place < p; });
  if (at == buckets_.end() || at->place != place) {
    buckets_.insert(at, bucket{place, n});
    return;
  }
  at->n = at->n > std::numeric_limits<std::uint32_t>::max() - n ? std::numeric_limits<std::uint32_t>::max() : at->n + n;
}

distribution& distribution::operator+=(distribution const& other) {
  if (buckets_.empty()) return *this = other;
  for (auto const& b : other.buckets_) add(b.place, b.n);
  return *this;
}

std::uint64_t distribution::count() const noexcept {
  std::uint64_t n = 0;
  for (auto const& b : buckets_) n += b.n;
  return n;
}

std::optional<double> distribution::at(double part) const {
  auto const all = count();
  if (all == 0) return std::nullopt;
  auto const wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(all))));
  std::uint64_t seen = 0;
  for (auto const& b : buckets_)
    if ((seen += b.n) >= wanted) return smallest * std::pow(growth, b.place + 0.5);
  return smallest * std::pow(growth, buckets_.back().place + 0.5);
}

std::string distribution::packed() const {
  std::string out;
  std::uint32_t before = 0;
  for (auto const& b : buckets_) {
    put(out, b.place - before);
    put(out, b.n);
    before = b.place;
  }
  return out;
}

distribution distribution::unpacked(std::string_view octets) {
  distribution out;
  std::uint32_t place = 0;
  while (!octets.empty()) {
    auto const step = take_number(octets);
    auto const n = take_number(octets);
    if (!step || !n || (place += *step) >= places || *step >= places) return {};
    out.add(place, *n);
  }
  return out;
}

}  // namespace lovage::monitor
