// Hooks of whoever sends.
#include <lovage/app.hpp>

#include <iostream>
#include <map>
#include <string>

static std::string current_trace() { return "4bf92f3577b34da6"; }

int main() {
  std::map<std::string, int> sent;
  auto const count = [&sent](std::string const& task) { ++sent[task]; };
  lovage::app app{lovage::config{}.broker_url("memory://")};
  app.before_publish([](lovage::raw_call& call) { call.options.headers_.push_back({"trace", current_trace()}); });
  app.after_publish([&](std::string const& task, lovage::task_id const&) { count(task); });
  (void)app.send_named("shop.price", {1});
  std::cout << sent.at("shop.price") << " sent\n";
}
