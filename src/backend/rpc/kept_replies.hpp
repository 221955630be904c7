// The newest replies of each task, within bounds. Pure.
#pragma once

#include "wire/result_record.hpp"

#include <list>
#include <string>
#include <unordered_map>

namespace lovage::backend::rpc {

/// *Threads*: one at a time.
class kept_replies {
 public:
  /// So many records are kept, and so many bytes of bodies: the oldest go first. The last one always stays.
  struct bounds {
    std::size_t records = 100'000;
    std::size_t bytes = std::size_t{256} << 20;
  };
  explicit kept_replies(bounds within) : within_{within} {}

  /// False: a SUCCESS is there already, and final. `size` is that of the message.
  bool keep(wire::result_record const& r, std::size_t size);
  [[nodiscard]] wire::result_record const* find(std::string const& id) const;
  void forget(std::string const& id);
  /// Records that went because of the bounds.
  [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }

 private:
  struct entry {
    wire::result_record record;
    std::size_t size = 0;
  };
  using order = std::list<entry>;
  void drop(order::iterator at);

  bounds const within_;
  order oldest_first_;
  std::unordered_map<std::string, order::iterator> by_id_;
  std::size_t bytes_ = 0, dropped_ = 0;
};

}  // namespace lovage::backend::rpc
