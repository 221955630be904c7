// Workflows, from two steps to a graph. Runs by itself: broker and worker are in memory.
#include <lovage/batch.hpp>
#include <lovage/testing.hpp>
#include <lovage/workflow.hpp>

#include <iostream>
#include <ranges>

using namespace std::chrono_literals;

namespace shop {

constexpr lovage::task<int(int, int)> add{"shop.add", {"x", "y"}};
constexpr lovage::task<int(std::vector<int>)> total{"shop.total", {"xs"}};
constexpr lovage::task<std::string(int)> show{"shop.show", {"n"}};
constexpr lovage::task<int(int)> count{"shop.count", {"n"}};
constexpr lovage::task<void(lovage::batch_summary)> report{"shop.report", {"summary"}};
constexpr lovage::task<void(std::string)> apologise{"shop.apologise", {"failed"}};

void define(lovage::task_registry& tasks) {
  tasks.define(add, [](int x, int y) { return x + y; });
  tasks.define(total, [](std::vector<int> const& xs) {
    int sum = 0;
    for (auto const x : xs) sum += x;
    return sum;
  });
  tasks.define(show, [](int n) { return std::to_string(n); });
  tasks.define(report, [](lovage::batch_summary const&) {});
  tasks.define(apologise, [](std::string const&) {});
  tasks.define(count, [](lovage::context& self, int n) -> int {
    if (n > 100) throw self.replace(lovage::group(count.s(n / 2), count.s(n - n / 2)) | total.s());
    return n;
  });
}

}  // namespace shop

namespace {

using shop::add;
using shop::show;
using shop::total;

void compose(lovage::app& app) {
  std::string text = app.send(add.s(1, 2) | add.s(10) | show.s()).get(10s);   // chain: "13"
  auto [n, same] = app.send(lovage::group(add.s(1, 2), show.s(3))).get(10s);  // group: an int and a string
  int sum =
      app.send(lovage::group(add.s(1, 1), add.s(2, 2)) | total.s() | add.s(10)).get(10s);  // chord, then a step: 16
  std::cout << text << ' ' << n << ' ' << same << ' ' << sum << '\n';

  std::vector<std::tuple<int, int>> const pairs{{1, 2}, {3, 4}, {5, 6}};
  auto const lists = app.send(lovage::chunks(add, pairs, 2)).get(10s);  // two tasks: {3, 7} and {11}
  auto const in_one = app.send(lovage::starmap(add, pairs)).get(10s);   // one task: {3, 7, 11}
  std::cout << lists.size() << " lists, " << in_one.size() << " results\n";
}

void link(lovage::app& app) {
  auto flow = (add.s(1, 2) | add.s(10)).link(show.s()).link_error(shop::apologise.s());
  auto const sent = app.send(std::move(flow).stamp({{"order", {"7"}}}));
  (void)sent.get(10s);
  sent.revoke_all();                                  // every task of it
  app.revoke_by_stamped_headers({{"order", {"7"}}});  // every task of every workflow with this stamp
  for (auto const& s : sent.collect(10s)) std::cout << s.id.str() << ": " << s.state << '\n';
}

void many(lovage::app& app) {
  auto const squares = std::views::iota(0, 1000) | std::views::transform([](int i) { return add.s(i, i); });
  auto const sent = app.send_group(
      squares, [](std::size_t done, std::size_t all) { std::cout << done << " of " << all << " sent\n"; });
  sent.save();  // app.restore_group(sent.id()) gives it to another program
  sent.for_each_ready([](std::size_t, lovage::task_status const&) { /* each as it finishes */ }, 30s);
  std::cout << sent.completed_count() << " done\n";
}

void batch(lovage::app& app) {
  lovage::batch import{"import"};
  for (int i = 0; i < 100; ++i) import.add(add.s(i, 1));
  import.on_success(show.s(1)).on_failure(show.s(0)).on_complete(shop::report.s());
  auto const run = app.send(import);
  lovage::batch_summary const all = run.summary.get(10s);
  std::cout << all.succeeded << " of " << all.total << " succeeded\n";
}

void graph(lovage::app& app) {
  lovage::workflow order{"order"};
  auto const stock = order.add("stock", add.s(7, 1));
  auto const price = order.add("price", add.s(9, 90)).retries(3, 10s);  // sent again when it fails for good
  auto const sum = order.add("sum", add.s(), stock, price);             // add(what stock gave, what price gave)
  order.add("mail", show.s(), sum);
  order.add("log", add.s(0, 0)).after(sum);  // waits for it, and takes nothing from it

  auto run = app.send(order);
  if (!run.wait(10s) || run.status().state == "FAILURE") run.resume();  // sends what failed once more
  std::cout << run.progress().succeeded << " nodes done\n" << run.draw().mermaid();
}

}  // namespace

int main() {
  auto app = lovage::testing::memory_app();
  shop::define(app.tasks());
  lovage::testing::background_worker const worker{app, 2};
  compose(app);
  link(app);
  many(app);
  batch(app);
  graph(app);
  std::cout << app.task(shop::count).delay(1000).get(10s) << '\n';
}
