// How often somebody may guess a password.
#pragma once

#include <lovage/types.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>

namespace lovage::web {

/// After five failures of one name, or of one address, each further try of it waits: a second, two, four, up to five
/// minutes. *Threads*: any. Keeps 10,000 names and addresses, the most recent.
class login_limit {
 public:
  /// How long this name or address has to wait; zero: it may try.
  [[nodiscard]] std::chrono::seconds wait(std::string const& key, time_point now) const;
  void failed(std::string const& key, time_point now);
  void succeeded(std::string const& key);

  static constexpr std::size_t free_tries = 5, kept = 10'000;
  static constexpr std::chrono::seconds longest{300};
  /// A name that failed no more for this long begins anew.
  static constexpr std::chrono::hours forgets{1};

 private:
  struct tries {
    std::size_t failures = 0;
    time_point last, next;
  };
  mutable std::mutex mutex_;
  std::map<std::string, tries> of_;
};

}  // namespace lovage::web
