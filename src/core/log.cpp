#include "core/log.hpp"

#include <atomic>
#include <cstdio>

namespace lovage::log {
namespace {

void to_stderr(level l, std::string_view text, std::initializer_list<field>) {
  static constexpr char const* names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  std::fprintf(stderr, "lovage: %s: %.*s\n", names[static_cast<int>(l)], static_cast<int>(text.size()), text.data());
}

struct front {
  sink where = to_stderr;
  std::atomic<level> least{level::warning};
};

front& the_front() {
  static front f;  // function-local: no constructor at namespace scope, alive for whoever logs first
  return f;
}

}  // namespace

void set_sink(sink where, level least) {
  the_front().where = std::move(where);
  the_front().least = least;
}

bool enabled(level l) noexcept {
  auto const& f = the_front();
  return l >= f.least.load(std::memory_order_relaxed) && f.where;
}

void write(level l, std::string_view text, std::initializer_list<field> fields) noexcept {
  if (!enabled(l)) return;
  try {
    the_front().where(l, text, fields);
  } catch (...) {  // a log line is never worth a crash
  }
}

}  // namespace lovage::log
