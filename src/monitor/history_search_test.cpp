// The ways to search that are for many tasks, taken with few: the limits between them are small here.
#include "monitor/history_search.hpp"

#include "monitor/test_events.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

namespace lovage::monitor {
namespace {

using namespace for_tests;
using namespace std::chrono_literals;

constexpr search_limits always_sorted{};
// Nothing is few; the index of durations is given up early, or never.
constexpr search_limits always_walked{.few = 5, .first_look = 20, .worth_walking = 1};
constexpr search_limits walked_to_the_end{.few = 5, .first_look = 100'000, .worth_walking = 1};

class HistorySearch : public ::testing::Test {
 protected:
  static constexpr int tasks = 240;

  HistorySearch() {
    now = at(noon + tasks);
    kept = history::open({place.file("h.db"), [this] { return now; }}, 5s).value();
    std::vector<wire::event> events;
    for (int i = 0; i < tasks; ++i) add(i, events);
    EXPECT_TRUE(kept->add(events, 20s));
    reader.emplace(place.file("h.db"), store::database::options{}, 5s);
    words.emplace(*reader, false);
  }

  // The slowest are of one name, which comes last: what lies at the far end of an index is found too.
  static void add(int i, std::vector<wire::event>& to) {
    auto const id = "t" + std::to_string(i), who = "w" + std::to_string(i % 3) + "@host";
    auto const name = i % 4 == 0 ? std::string{"shop.z_slow"} : "shop.task" + std::to_string(i % 7);
    auto const args = "('order " + std::string{i % 2 == 0 ? "even" : "odd"} + " n" + std::to_string(i) + "',)";
    to.push_back(
        task_event("sent", id, noon + i, {{"name", name}, {"args", args}, {"queue", i % 5 == 0 ? "low" : "high"}}));
    to.push_back(received(id, noon + i, name, args, who));
    if (i % 11 == 0) return;
    to.push_back(started(id, noon + i + 0.1, who));
    if (i % 13 == 0) {
      to.push_back(failed(id, noon + i + 0.1 + 0.001 * (i % 17), "ValueError('no " + std::to_string(i) + "')"));
    } else {
      to.push_back(succeeded(id, noon + i + 0.1, i % 4 == 0 ? 1'000 - i % 50 : 0.001 * ((i * 37) % 101)));
    }
  }

  std::vector<std::string> pages(task_filter const& which, task_order order, search_limits const& limits) {
    std::vector<std::string> out;
    for (std::string cursor;;) {
      auto const page = history_search{*reader, *words, limits}.find(which, order, 17, cursor).value();
      for (auto const& t : page.tasks) out.push_back(t.id);
      if ((cursor = page.next).empty()) return out;
    }
  }

  folder place;
  time_point now;
  std::unique_ptr<history> kept;
  std::optional<store::database> reader;
  std::optional<word_book> words;
};

std::map<std::string, task_filter> filters() {
  auto const from = at(noon + 30), to = at(noon + 200);
  return {{"all", {}},
          {"state", {.states = {"SUCCESS"}}},
          {"states", {.states = {"FAILURE", "RECEIVED"}}},
          {"open states", {.states = {"RECEIVED"}}},
          {"name", {.name = "shop.z_slow"}},
          {"names", {.name = "shop.task*"}},
          {"worker", {.worker = "w1@host"}},
          {"queue and state", {.states = {"SUCCESS", "FAILURE"}, .queue = "high"}},
          {"name and worker", {.name = "shop.task3", .worker = "w1@host"}},
          {"nothing", {.states = {"FAILURE"}, .name = "shop.z_slow", .queue = "low"}},
          {"span", {.from = from, .to = to}},
          {"span and names", {.name = "shop.task*", .from = from, .to = to}},
          {"text of all", {.text = "order"}},
          {"text of half", {.text = "even"}},
          {"text of the slow", {.text = "z_slow"}},
          {"beginning", {.text = "n1*"}},
          {"text and state", {.states = {"SUCCESS"}, .text = "order"}},
          {"text and open states", {.states = {"RECEIVED", "FAILURE"}, .text = "order"}},
          {"text and names", {.name = "shop.task*", .text = "odd"}},
          {"text within a span", {.text = "even", .from = from, .to = to}},
          {"text, worker, span", {.worker = "w2@host", .text = "order", .from = from}},
          {"text of some by id", {.text = "even", .ids = {"t2", "t3", "t4", "t77", "t240"}}}};
}

TEST_F(HistorySearch, AllWaysFindTheSameInTheSameOrder) {
  for (auto const& [what, which] : filters())
    for (auto const order :
         {task_order::newest, task_order::oldest, task_order::slowest, task_order::fastest, task_order::by_name}) {
      auto const expected = pages(which, order, always_sorted);
      EXPECT_EQ(pages(which, order, always_walked), expected) << what << ", order " << static_cast<int>(order);
      EXPECT_EQ(pages(which, order, walked_to_the_end), expected) << what << ", order " << static_cast<int>(order);
      EXPECT_EQ(expected.empty(), what == "nothing") << what;
    }
}

TEST_F(HistorySearch, ATextWithinASpanOfTimeIsFoundByBoth) {
  EXPECT_EQ(pages({.text = "even", .from = at(noon + 10), .to = at(noon + 16)}, task_order::oldest, always_sorted),
            (std::vector<std::string>{"t10", "t12", "t14"}));
  EXPECT_TRUE(pages({.text = "n9", .from = at(noon + 10)}, task_order::newest, always_sorted).empty());
}

TEST_F(HistorySearch, CountsWhatAllConditionsLeave) {
  auto const total = [&](task_filter const& which, search_limits const& limits) {
    return history_search{*reader, *words, limits}.find(which, task_order::newest, 3, {}).value().total;
  };
  for (auto const& [what, which] : filters())
    if (which.text.empty()) {
      EXPECT_EQ(total(which, always_walked), total(which, always_sorted)) << what;
    }
  EXPECT_EQ(total({}, always_sorted), std::size_t{tasks});
}

}  // namespace
}  // namespace lovage::monitor
