// Event loops that jobs go on in, and whether they turn: each is asked to call back, and the watchdog sees since when
// one has owed its answer.
#pragma once

#include "pool/pool.hpp"
#include "pool/watchdog.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace lovage::pool {

/// *Threads*: any.
class loop_watch {
 public:
  /// One that is known already is not added again. Asks it, to learn its thread.
  void add(driver by);
  /// Those that owe an answer; asks the others.
  [[nodiscard]] std::vector<sighting> look();
  /// All whose thread is known.
  [[nodiscard]] std::vector<sighting> all() const;

 private:
  struct loop;
  static void answer(void* with);
  static void ask(std::shared_ptr<loop> const& l);

  mutable std::mutex m_;
  std::vector<std::shared_ptr<loop>> loops_;
};

}  // namespace lovage::pool
