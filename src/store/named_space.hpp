// What `memory://name` names within this process.
#pragma once

#include "core/clock.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace lovage::store {

/// The space of this name, made on first use and gone with its last user. `Space` has a member `now`.
/// *Threads*: any.
template <class Space>
[[nodiscard]] std::shared_ptr<Space> named_space(std::string const& name, now_fn now) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<Space>> spaces;
  std::lock_guard const lock{mutex};
  auto& kept = spaces[name];
  auto there = kept.lock();
  if (!there) {
    there = std::make_shared<Space>();
    there->now = std::move(now);
    kept = there;
  }
  return there;
}

}  // namespace lovage::store
