// own_worker/main.cpp - the same worker inside a program of your own
#include "../tasks.hpp"

#include <lovage/worker.hpp>

int main() {
  lovage::app app;
  app.tasks().define(shop::add, [](int x, int y) { return x + y; });
  app.tasks().define(shop::fetch, [](std::string const& url) { return "body of " + url; });
  auto const options = lovage::worker_options{}.pool(lovage::pool_kind::threads).concurrency(2).banner(true);
  return lovage::worker{app, options}.run();  // until TERM or ctrl-C
}
