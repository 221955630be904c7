// The newest so many calls, by their keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace lovage::work {

/// Of each only 128 bits are kept, in tables that are made once: ten thousand texts that come and go one by one leave a
/// heap with holes, and a worker that seems to grow for half an hour. Two keys that look the same by these bits do not
/// occur. *Threads*: one.
class recent_calls {
 public:
  /// Zero: nothing is known.
  explicit recent_calls(std::size_t most);

  [[nodiscard]] bool contains(std::string_view key) const;
  /// The oldest one is forgotten for it when there are as many as may be.
  void add(std::string_view key);

 private:
  struct digest {
    std::uint64_t first = 0, second = 0;
    friend bool operator==(digest const&, digest const&) = default;
  };
  using place = std::uint32_t;
  static constexpr place nowhere = UINT32_MAX;

  [[nodiscard]] static digest digest_of(std::string_view key);
  [[nodiscard]] place& head_of(digest const& d) { return heads_[d.first & (heads_.size() - 1)]; }
  [[nodiscard]] bool contains(digest const& d) const;
  void unlink(place what);

  std::size_t const most_;
  std::vector<digest> ring_;
  std::vector<place> next_;   ///< by place: the next one below the same head
  std::vector<place> heads_;  ///< a power of two of them
  std::size_t oldest_ = 0;
};

}  // namespace lovage::work
