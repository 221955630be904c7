// Memory for librabbitmq's tables and methods, freed all at once.
#pragma once

#include <amqp.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>

namespace lovage::broker::amqp {

class arena {
 public:
  arena() { init_amqp_pool(&pool_, 8192); }
  ~arena() { empty_amqp_pool(&pool_); }
  arena(arena const&) = delete;
  arena& operator=(arena const&) = delete;

  [[nodiscard]] amqp_pool_t* get() noexcept { return &pool_; }
  /// `count` zeroed objects without constructors; nullptr for none.
  template <class T>
  [[nodiscard]] T* make(std::size_t count = 1) {
    if (count == 0) return nullptr;
    auto* out = amqp_pool_alloc(&pool_, count * sizeof(T));
    if (out == nullptr) throw std::bad_alloc{};
    std::memset(out, 0, count * sizeof(T));
    return static_cast<T*>(out);
  }
  /// Keeps a copy.
  [[nodiscard]] amqp_bytes_t copy(std::string_view text) {
    auto* out = make<char>(text.size());
    if (out) std::memcpy(out, text.data(), text.size());
    return {text.size(), out};
  }
  void clear() { recycle_amqp_pool(&pool_); }

 private:
  amqp_pool_t pool_{};
};

/// Borrows: librabbitmq's structures want a pointer that they do not write to.
[[nodiscard]] inline amqp_bytes_t borrow(std::string_view text) noexcept {
  return {text.size(), const_cast<char*>(text.data())};
}
[[nodiscard]] inline std::string_view view(amqp_bytes_t b) noexcept {
  return b.len == 0 ? std::string_view{} : std::string_view{static_cast<char const*>(b.bytes), b.len};
}

}  // namespace lovage::broker::amqp
