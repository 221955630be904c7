// Hooks and middleware of a plug-in.
#include <lovage/plugin.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>

namespace database {
static void connect() { std::clog << "a child has its own connection\n"; }
}  // namespace database

static void report(lovage::task_id const& id, lovage::value::map const& failure) {
  std::clog << id.str() << " failed, " << failure.size() << " facts\n";
}

// How long a body ran, and whether it went well.
class span {
 public:
  explicit span(std::string name) : name_{std::move(name)} {}
  void end(bool good) const {
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began_;
    std::clog << name_ << (good ? " took " : " failed after ") << took.count() << " s\n";
  }

 private:
  std::string name_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

LOVAGE_PLUGIN(lib) {
  lib.on_worker_process_init([](auto const&) { database::connect(); });
  lib.on_task_failure([](lovage::context& self, lovage::value::map const& failure) { report(self.id(), failure); });
  lib.around([](lovage::context& self, lovage::next_step const& next) {
    span const s{self.name()};
    s.end(next() == LOVAGE_SUCCESS);
  });
}
