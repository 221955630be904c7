#include "cli/top_view.hpp"

#include "cli/text_width.hpp"
#include "cli/top_sources.hpp"
#include "cli/top_tables.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace lovage::cli {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

time_point const picture_time{1795435200s};
constexpr top_view::look plain{.width = 80, .height = 30, .color = false, .unicode = true};

monitor::worker_record worker(std::string name, std::int64_t active) {
  monitor::worker_record w;
  w.name = std::move(name);
  w.active = active;
  w.heard = picture_time - 1s;
  w.software = "lovage";
  return w;
}

top_picture busy() {
  top_picture p;
  p.broker = "redis://h/0";
  p.now = picture_time;
  p.rate.succeeded = 12.5;
  p.total.succeeded = 75, p.total.failed = 25;
  p.run = {0.012, 0.5, 70.0};
  p.ended = {0, 1, 2, 4};
  p.workers = {worker("celery@a", 1), worker("celery@b", 3)};
  p.workers[1].state = monitor::worker_state::lost;
  p.queues = {{"图像处理", 5, 1, 2, 0, false, 2.5}, {"mail", 0, std::nullopt, std::nullopt, 3, true, std::nullopt}};
  p.running = {{"0123456789", "shop.add", "(2, 3)", "{}", "celery@a", picture_time - 75s, 7}};
  p.failures = {{picture_time - 2s, "shop.fetch", "ValueError('no\x1b[2J url')", "celery@a", "abcdef"}};
  return p;
}

std::string joined(std::vector<std::string> const& lines) {
  std::string out;
  for (auto const& l : lines) out += l + "\n";
  return out;
}

std::size_t column_of(std::vector<std::string> const& lines, std::string const& line, std::string const& word) {
  for (auto const& l : lines)
    if (l.find(line) != l.npos && l.find(word) != l.npos) return text_width(l.substr(0, l.find(word) + word.size()));
  return 0;
}

TEST(TopView, APictureFillsTheTerminalExactly) {
  for (std::size_t width : {20U, 80U, 200U})
    for (std::size_t height : {3U, 10U, 24U, 60U}) {
      auto const lines = top_view{}.lines(busy(), {width, height, false, true});
      EXPECT_EQ(lines.size(), height) << width;
      for (auto const& l : lines) EXPECT_EQ(text_width(l), width) << l;
    }
}

TEST(TopView, ItShowsRatesLatenciesWorkersQueuesTasksAndFailures) {
  auto const text = joined(top_view{}.lines(busy(), plain));
  for (auto const* part : {"succeeded 12.5", "failed 25 (25.0 %)", "p50 12ms", "p95 500ms", "p99 1m10s",
                           "workers 1 of 2", "celery@b", "lost", "图像处理", "+2.5", "paused", "shop.add", "1m15s",
                           "(2, 3)", "01234567", "shop.fetch", "ValueError", "▂▄█"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(TopView, WideCharactersAlign) {
  auto const lines = top_view{}.lines(busy(), plain);
  EXPECT_EQ(column_of(lines, "图像处理", "    5"), column_of(lines, "mail", "    0"));
}

TEST(TopView, WhatTasksSayCannotSteerTheTerminal) {
  EXPECT_THAT(joined(top_view{}.lines(busy(), plain)), ::testing::Not(HasSubstr("\x1b")));
}

TEST(TopView, ColoursAreResetInEachLine) {
  for (auto const& l : top_view{}.lines(busy(), {80, 24, true, true})) {
    bool const coloured = l.find("\x1b[") != l.npos;
    EXPECT_EQ(l.ends_with("\x1b[0m"), coloured) << l;
  }
}

TEST(TopView, AnUnboundedPictureHasNoKeysAndNoEmptyLines) {
  auto const lines = top_view{}.lines(busy(), {100, 0, false, true});
  EXPECT_THAT(joined(lines), ::testing::Not(HasSubstr("q quit")));
  EXPECT_THAT(joined(top_view{}.lines({}, {100, 0, false, true})), HasSubstr("none"));
}

TEST(TopView, AFaultIsSaid) {
  auto p = busy();
  p.fault = "queues: cannot connect";
  EXPECT_THAT(joined(top_view{}.lines(p, plain)), HasSubstr("queues: cannot connect"));
}

TEST(TopView, KeysChooseSortAndScroll) {
  auto p = busy();
  p.workers.clear();
  for (int i = 10; i < 60; ++i) p.workers.push_back(worker("w" + std::to_string(i), i));
  top_view view;
  EXPECT_THAT(joined(view.lines(p, plain)), HasSubstr("WORKERS 1-"));
  view.press(top_key::down);
  EXPECT_THAT(joined(view.lines(p, plain)), HasSubstr("WORKERS 2-"));
  view.press(top_key::end);
  EXPECT_THAT(view.lines(p, plain), Contains(StartsWith("w59")));
  view.press(top_key::page_down);
  EXPECT_THAT(view.lines(p, plain), Contains(StartsWith("w59")));
  view.press(top_key::sort);
  auto const sorted = view.lines(p, plain);
  EXPECT_THAT(joined(sorted), HasSubstr("by active"));
  EXPECT_THAT(*std::find_if(sorted.begin(), sorted.end(), [](auto const& l) { return l.starts_with("w"); }),
              StartsWith("w59"));
  view.press(top_key::next);
  view.press(top_key::up);
  EXPECT_THAT(joined(view.lines(p, plain)), HasSubstr("QUEUES (2), by name"));
}

TEST(TopView, KeysPauseHelpAndEnd) {
  top_view view;
  view.press(top_key::pause);
  EXPECT_TRUE(view.paused());
  EXPECT_THAT(joined(view.lines(busy(), plain)), HasSubstr("PAUSED"));
  view.press(top_key::help);
  EXPECT_THAT(joined(view.lines(busy(), plain)), HasSubstr("this help"));
  view.press(top_key::quit);
  EXPECT_TRUE(view.quits());
}

TEST(TopKeys, AreReadFromWhatTerminalsSend) {
  std::string bytes = "\x1b[A\x1bOB\x1b[5~ sx\x1b[1;5Cq";
  EXPECT_THAT(read_keys(bytes),
              ElementsAre(top_key::up, top_key::down, top_key::page_up, top_key::pause, top_key::sort, top_key::quit));
  EXPECT_EQ(bytes, "");
  bytes = "\x1b[";
  EXPECT_THAT(read_keys(bytes), IsEmpty());
  bytes += "C";
  EXPECT_THAT(read_keys(bytes), ElementsAre(top_key::next));
  bytes = "\x1b";
  EXPECT_THAT(read_keys(bytes), IsEmpty());
  bytes += "q";
  EXPECT_THAT(read_keys(bytes), ElementsAre(top_key::quit));
}

TEST(ShortTime, HasAFewCharacters) {
  EXPECT_EQ(short_time(std::nullopt), "-");
  EXPECT_EQ(short_time(0.00085), "850us");
  EXPECT_EQ(short_time(0.0042), "4.2ms");
  EXPECT_EQ(short_time(0.012), "12ms");
  EXPECT_EQ(short_time(1.25), "1.2s");
  EXPECT_EQ(short_time(185), "3m05s");
  EXPECT_EQ(short_time(7830), "2h10m");
  EXPECT_EQ(short_time(4 * 86'400 + 3 * 3600), "4d03h");
}

wire::event event(std::string type, value::map fields) {
  wire::event e;
  e.type = std::move(type);
  e.hostname = "w1@h";
  e.fields = std::move(fields);
  return e;
}

TEST(FailureFold, AFailureHasTheNameThatItsTaskCameWith) {
  failure_fold fold;
  fold.add(event("task-received", {{"uuid", "1"}, {"name", "shop.add"}}), picture_time);
  fold.add(event("task-failed", {{"uuid", "1"}, {"exception", "E()"}}), picture_time);
  fold.add(event("task-failed", {{"uuid", "2"}, {"exception", "F()"}}), picture_time + 1s);
  auto const newest = fold.newest();
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].error, "F()");
  EXPECT_EQ(newest[1].name, "shop.add");
}

TEST(QueueChange, IsPerSecondAndUnknownAtFirst) {
  std::vector<top_queue> const before{{"a", 10, {}, {}, {}, false, {}}};
  EXPECT_EQ(change_of(before, {"a", 4, {}, {}, {}, false, {}}, 2s), -3.0);
  EXPECT_EQ(change_of(before, {"b", 4, {}, {}, {}, false, {}}, 2s), std::nullopt);
}

}  // namespace
}  // namespace lovage::cli
