// tasks.cpp - becomes libtasks.so, which a worker loads
#include "tasks.hpp"

#include <lovage/plugin.hpp>

#include <stdexcept>

using namespace std::chrono_literals;

static std::string fetch(lovage::context& self, std::string const& url) {
  if (url.empty()) throw std::invalid_argument{"no url"};  // FAILURE, with type and message
  if (self.retries() < 2) throw self.retry(100ms);         // RETRY, comes back a little later
  return "body of " + url;
}

LOVAGE_PLUGIN(lib) {  // the only macro
  lib.define(shop::add, [](int x, int y) { return x + y; });
  lib.define(shop::fetch, fetch, lovage::limits{}.max_retries(5));
}
