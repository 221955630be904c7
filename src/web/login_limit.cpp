#include "web/login_limit.hpp"

#include <algorithm>

namespace lovage::web {

std::chrono::seconds login_limit::wait(std::string const& key, time_point now) const {
  std::lock_guard const lock{mutex_};
  auto const at = of_.find(key);
  if (at == of_.end() || at->second.next <= now) return std::chrono::seconds{0};
  return std::chrono::ceil<std::chrono::seconds>(at->second.next - now);
}

void login_limit::failed(std::string const& key, time_point now) {
  std::lock_guard const lock{mutex_};
  if (of_.size() >= kept && of_.count(key) == 0) {
    auto const older = [](auto const& a, auto const& b) { return a.second.last < b.second.last; };
    of_.erase(std::min_element(of_.begin(), of_.end(), older));
  }
  auto& t = of_[key];
  if (t.failures > 0 && now - t.last > forgets) t = {};
  ++t.failures;
  t.last = now;
  if (t.failures < free_tries) return;
  auto const doublings = std::min<std::size_t>(t.failures - free_tries, 9);
  t.next = now + std::min(std::chrono::seconds{1LL << doublings}, longest);
}

void login_limit::succeeded(std::string const& key) {
  std::lock_guard const lock{mutex_};
  of_.erase(key);
}

}  // namespace lovage::web
