// From an outbox to a broker. Runs by itself: the outbox is a file, the broker is in memory.
#include <lovage/app.hpp>
#include <lovage/relay.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

namespace shop {
constexpr lovage::task<void(int)> bill{"shop.bill", {"order"}};
}

static int forward(std::string const& source, std::string const& target) {
  lovage::app app{lovage::config{}.broker_url(target)};
  lovage::relay relay{app, lovage::relay_options{}.from(source)};
  std::thread until_sent{[&] {
    while (relay.forwarded() < 2) std::this_thread::sleep_for(1ms);
    relay.stop();
  }};
  auto const code = [&] {
    return relay.run();  // until TERM
  }();
  until_sent.join();
  return code;
}

int main() {
  std::string place = std::filesystem::temp_directory_path() / "lovage-outbox-XXXXXX";
  if (::mkdtemp(place.data()) == nullptr) return 1;
  auto const source = "sqlite:///" + place + "/outbox.db";
  std::string const row_id = "7d444840-9dc0-11d1-b245-5ffdce74fad2", attempt = "1";
  int const order = 17;
  lovage::app app{lovage::config{}.broker_url(source)};
  app.send(shop::bill.s(18));
  app.send(shop::bill.s(order).id(lovage::task_id{row_id}).header("lovage_once", attempt));
  auto const code = forward(source, "memory://");
  std::cout << "forwarded\n";
  std::filesystem::remove_all(place);
  return code;
}
