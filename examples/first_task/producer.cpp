// producer.cpp - needs the declarations only
#include "tasks.hpp"

#include <lovage/app.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main() {
  lovage::app app;                                      // the store in your state directory, unless told otherwise
  int five = app.task(shop::add).delay(2, 3).get(30s);  // delay(2) or delay(2, "x") does not compile
  auto page = app.send(shop::fetch.s("https://example.org").priority(9));
  std::cout << five << '\n' << page.get(30s) << '\n';
}
