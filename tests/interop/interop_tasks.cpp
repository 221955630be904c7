// libinterop_tasks.so
#include "interop_tasks.hpp"

#include <lovage/plugin.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <system_error>
#include <thread>

using namespace std::chrono_literals;

namespace interop {

/// An exception of one's own: a Python client knows it by name.
class declined : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace {

// One write, so that lines of several workers do not mix.
void append(std::string const& file, std::string const& line) {
  std::ofstream out{file, std::ios::app};
  out << line + "\n" << std::flush;
  if (!out) throw std::runtime_error{"cannot write " + file};
}

std::string in_words(value const& v) {
  if (auto const* s = v.get_if<std::string>()) return *s;
  if (auto const* i = v.get_if<std::int64_t>()) return std::to_string(*i);
  return v.kind();
}

// The test lets it go; the limit is for a test that died.
void wait_for(std::string const& file) {
  auto const end = std::chrono::steady_clock::now() + 600s;
  while (!std::filesystem::exists(file)) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error{"nobody made " + file};
    std::this_thread::sleep_for(5ms);
  }
}

std::string join_body(std::string const& separator, std::vector<std::string> const& parts, std::optional<bool> upper) {
  std::string out;
  for (auto const& part : parts) out += (out.empty() ? "" : separator) + part;
  if (upper.value_or(false))
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return std::toupper(c); });
  return out;
}

void fail_body(std::string const& kind, std::string const& message) {
  if (kind == "value") throw std::invalid_argument{message};
  if (kind == "index") throw std::out_of_range{message};
  if (kind == "runtime") throw std::runtime_error{message};
  if (kind == "overflow") throw std::overflow_error{message};
  throw declined{message};
}

int flaky_body(lovage::context& self, int times) {
  if (self.retries() < times) throw self.retry(100ms).because("std::runtime_error", "not yet");
  return self.retries();
}

void hopeless_body(lovage::context& self, std::string const& message) {
  throw self.retry(100ms).because(std::invalid_argument{message});
}

double now_body() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

std::string hold_body(std::string const& file) { return wait_for(file), "let go"; }

std::string report_body(lovage::context& self, std::string const& file, std::string const& state, value const& meta) {
  self.update_state(state, meta);
  return wait_for(file), "let go";
}

int ignored_body(std::string const& file) { return append(file, "ran"), 7; }

}  // namespace
}  // namespace interop

LOVAGE_PLUGIN(lib) {
  using lovage::limits;
  using lovage::value;
  lib.define(interop::echo, [](value const& x) { return x; });
  lib.define(interop::add, [](std::int64_t x, std::int64_t y) { return x + y; });
  lib.define(interop::total, [](std::vector<std::int64_t> const& xs) {
    return std::accumulate(xs.begin(), xs.end(), std::int64_t{0});
  });
  lib.define(interop::join, interop::join_body);
  lib.define(interop::typed, [](interop::everything const& all) { return all; });
  lib.define(interop::fail, interop::fail_body);
  lib.define(interop::flaky, interop::flaky_body, limits{}.max_retries(5));
  lib.define(interop::hopeless, interop::hopeless_body, limits{}.max_retries(1));
  lib.define(interop::now, interop::now_body);
  lib.define(interop::slow,
             [](double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); });
  lib.define(interop::hold, interop::hold_body);
  lib.define(interop::report, interop::report_body);
  lib.define(interop::note,
             [](value const& what, std::string const& file) { interop::append(file, interop::in_words(what)); });
  lib.define(interop::note_error, [](std::string const& id, std::string const& file) { interop::append(file, id); });
  lib.define(interop::ignored, interop::ignored_body, limits{}.ignore_result());
  lib.define(interop::who, [] {
    std::this_thread::sleep_for(5ms);  // long enough for the other worker to get its share
    return std::string{"lovage"};
  });
}
